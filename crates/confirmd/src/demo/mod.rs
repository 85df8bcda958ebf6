//! `confirmd demo`.

mod clock;

use crate::cli::Demo;
use crate::commands::Ended;

pub(crate) async fn run(_options: Demo) -> anyhow::Result<Ended> {
    anyhow::bail!("later")
}
