//! The program, built with the feature `test-clock`.

fn main() -> std::process::ExitCode {
    confirmd::main()
}
