//! confirmd. Everything is in the library, so that the scenario tests can build the same program with a clock
//! that they move.

fn main() -> std::process::ExitCode {
    confirmd::main()
}
