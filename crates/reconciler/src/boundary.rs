//! The places where a crash matters: before and after each touch of the database, the broker or Amazon that changes
//! something, or that something is decided by.
//!
//! What a build does there depends on nothing but `debug_assertions`: a release has neither the hook nor a branch. This crate has
//! no feature for it, because a call that some build leaves out is a call that some build has not tested. What ends the
//! process is in the program, behind its feature `test-clock`: whoever may move its clock may end it, too, and one feature
//! that no release has is easier to keep out than two.

/// Marks a durable or outward act, before or after it. Each label stands at one place. Crash tests stop the program here;
/// release builds do nothing.
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
