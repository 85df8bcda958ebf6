//! The places where a crash matters.

/// Marks a durable or outward act. Crash tests stop the program here; release builds do nothing.
#[inline]
pub fn boundary(label: &'static str) {
    #[cfg(debug_assertions)]
    if let Some(hook) = hook::HOOK.get() {
        hook(label);
    }
    #[cfg(not(debug_assertions))]
    let _ = label;
}

/// Installs what debug builds do at a boundary; the first call wins. Release builds ignore it.
pub fn on_boundary(hook: fn(&'static str)) {
    #[cfg(debug_assertions)]
    let _ = hook::HOOK.set(hook);
    #[cfg(not(debug_assertions))]
    let _ = hook;
}

#[cfg(debug_assertions)]
mod hook {
    pub(super) static HOOK: std::sync::OnceLock<fn(&'static str)> = std::sync::OnceLock::new();
}
