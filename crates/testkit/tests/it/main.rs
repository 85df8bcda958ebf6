// All of it is test code, helpers too: that is what the attribute tells clippy.
#[cfg(test)]
mod client;
#[cfg(test)]
mod leaves_nothing;
#[cfg(test)]
mod real;
