//! How many inputs a test draws that has arbitrary ones.

/// 10,000 inputs a test, or as many as the environment asks for: `FUZZ_INPUTS=1000000` is a longer run.
///
/// # Panics
/// Where `FUZZ_INPUTS` is no number: a long run that was asked for is not to be a short one.
pub fn arbitrary_inputs() -> u32 {
    std::env::var("FUZZ_INPUTS").map_or(10_000, |text| text.parse().expect("FUZZ_INPUTS is a number"))
}
