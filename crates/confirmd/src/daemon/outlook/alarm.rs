//! Tells people of what an account's quota cannot save, with the money and the time, until it can.

use checkout::{AccountName, Timestamp};
use reconciler::ports::LogError;
use reconciler::turns::Forecast;
use reconciler::{AccountConditions, Notice, NoticeKind, NoticeLog};

use crate::daemon::accounts::put_on_record;

/// Plans in a row that must foretell no loss until it is over: forecasts waver where it is close.
const CALM: u32 = 6;
/// People are told again where so many times more sessions will be lost than they were told.
const WORSE: f64 = 2.0;

/// What people know of one account.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    /// What is firing; none before the log was asked.
    firing: Option<Vec<Notice>>,
    /// How many sessions they were told of.
    told_of: f64,
    calm: u32,
}

impl Alarm {
    pub(super) fn is_firing(&self) -> bool {
        self.firing.as_ref().is_some_and(|firing| !firing.is_empty())
    }

    /// Raises an alert, ends it, or does nothing.
    pub(super) async fn heed<L>(
        &mut self,
        log: &L,
        account: &AccountName,
        forecast: &Forecast,
        per_second: f64,
        now: Timestamp,
    ) -> Result<(), LogError>
    where
        L: AccountConditions + NoticeLog,
    {
        let firing = match &mut self.firing {
            Some(firing) => firing,
            // A process from before may have raised one: it is ended by whoever finds that it is over.
            unknown @ None => {
                self.told_of = forecast.misses;
                unknown.insert(log.firing(account, NoticeKind::PredictedLoss).await?)
            }
        };
        if 0.5 <= forecast.misses {
            self.calm = 0;
            if firing.is_empty() || self.told_of * WORSE <= forecast.misses {
                let notice = notice(account, forecast, per_second, now);
                put_on_record(log, &notice).await?;
                self.told_of = forecast.misses;
                let instead_of = std::mem::replace(firing, vec![notice]);
                for fired in instead_of {
                    put_on_record(
                        log,
                        &over(fired, "more will be lost, as another alert tells", now),
                    )
                    .await?;
                }
            }
        } else if !firing.is_empty() {
            self.calm += 1;
            if CALM <= self.calm {
                while let Some(fired) = firing.first().cloned() {
                    put_on_record(log, &over(fired, "there is time for all sessions again", now)).await?;
                    firing.remove(0);
                }
            }
        }
        Ok(())
    }
}

fn notice(account: &AccountName, forecast: &Forecast, per_second: f64, now: Timestamp) -> Notice {
    Notice {
        alert_id: format!("predicted-loss/{account}/{}", now.as_micros()),
        kind: NoticeKind::PredictedLoss,
        firing: true,
        summary: summary(account, forecast, per_second),
        account: Some(account.clone()),
        key: account.as_str().to_owned(),
        at: now,
    }
}

fn over(fired: Notice, why: &str, now: Timestamp) -> Notice {
    Notice {
        firing: false,
        summary: format!("account `{}`: {why}", fired.key),
        at: now,
        ..fired
    }
}

/// How much, by when and why.
fn summary(account: &AccountName, forecast: &Forecast, per_second: f64) -> String {
    let money: Vec<String> = forecast
        .money
        .iter()
        .map(|(currency, amount)| {
            let decimals = currency.decimals() as usize;
            format!("{} {currency}", in_thousands(&format!("{amount:.decimals$}")))
        })
        .collect();
    let what = if money.is_empty() {
        "nothing but the sessions".to_owned()
    } else {
        money.join(" and ")
    };
    let by = forecast.by.map_or_else(String::new, |by| {
        let text = by.to_string();
        let time = text.get(..16).unwrap_or(&text).replace('T', " ");
        format!(" by {time} UTC")
    });
    format!(
        "{what} will be lost{by} at {per_second:.1}/s: {:.0} sessions of account `{account}` come too late for its quota",
        forecast.misses
    )
}

/// `12,400.00` of `12400.00`.
fn in_thousands(amount: &str) -> String {
    let (whole, rest) = amount
        .find('.')
        .map_or((amount, ""), |point| amount.split_at(point));
    let mut text = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if 0 < place && (whole.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use checkout::Currency;
    use session_log::{Log, Options};

    use super::*;

    fn account() -> AccountName {
        AccountName::parse("eu_shop").unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn losing(misses: f64, money: f64) -> Forecast {
        Forecast {
            misses,
            money: BTreeMap::from([(Currency::EUR, money)]),
            by: Some(Timestamp::parse("2026-01-05T14:10:00Z").unwrap()),
        }
    }

    fn calm() -> Forecast {
        Forecast {
            misses: 0.0,
            money: BTreeMap::new(),
            by: None,
        }
    }

    async fn log(folder: &tempfile::TempDir) -> Log {
        let options = Options {
            usable_schema_only: false,
            ..Options::default()
        };
        let url = format!("sqlite://{}/log.db", folder.path().display());
        let log = Log::open(&url, options).await.unwrap();
        log.migrate().await.unwrap();
        log
    }

    async fn told(log: &Log) -> Vec<(bool, String)> {
        let notices = log.untold(100).await.unwrap();
        notices
            .into_iter()
            .map(|notice| (notice.firing, notice.summary))
            .collect()
    }

    #[test]
    fn it_is_said_how_much_by_when_and_why() {
        assert_eq!(
            summary(&account(), &losing(310.4, 12_400.0), 2.1),
            "12,400.00 EUR will be lost by 2026-01-05 14:10 UTC at 2.1/s: 310 sessions of account `eu_shop` come too late for its quota"
        );
        assert_eq!(in_thousands("999"), "999");
        assert_eq!(in_thousands("1234567.80"), "1,234,567.80");
    }

    #[tokio::test]
    async fn people_are_told_once_and_again_when_it_is_worse_and_when_it_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let log = log(&folder).await;
        let mut alarm = Alarm::default();
        for (second, forecast) in [losing(10.0, 99.0), losing(19.0, 99.0), losing(20.0, 200.0)]
            .into_iter()
            .enumerate()
        {
            let now = at(i64::try_from(second).unwrap());
            alarm.heed(&log, &account(), &forecast, 3.0, now).await.unwrap();
        }
        let firing: Vec<bool> = told(&log).await.into_iter().map(|(firing, _)| firing).collect();
        assert_eq!(firing, [true, true, false], "ten, then twenty instead of ten");
        for second in 10..30 {
            alarm
                .heed(&log, &account(), &calm(), 3.0, at(second))
                .await
                .unwrap();
        }
        let told = told(&log).await;
        assert_eq!(told.len(), 4);
        assert_eq!(
            told.last().unwrap(),
            &(
                false,
                "account `eu_shop`: there is time for all sessions again".to_owned()
            )
        );
    }

    #[tokio::test]
    async fn one_that_wavers_is_not_told_again_and_again() {
        let folder = tempfile::tempdir().unwrap();
        let log = log(&folder).await;
        let mut alarm = Alarm::default();
        for second in 0..20 {
            let forecast = if second % 2 == 0 {
                losing(5.0, 50.0)
            } else {
                calm()
            };
            alarm
                .heed(&log, &account(), &forecast, 3.0, at(second))
                .await
                .unwrap();
        }
        assert_eq!(told(&log).await.len(), 1);
    }

    #[tokio::test]
    async fn what_a_process_from_before_has_raised_is_ended_when_it_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let log = log(&folder).await;
        let mut before = Alarm::default();
        before
            .heed(&log, &account(), &losing(5.0, 50.0), 3.0, at(0))
            .await
            .unwrap();
        let mut after = Alarm::default();
        after
            .heed(&log, &account(), &losing(5.0, 50.0), 3.0, at(1))
            .await
            .unwrap();
        assert_eq!(told(&log).await.len(), 1, "it is known already");
        for second in 2..12 {
            after
                .heed(&log, &account(), &calm(), 3.0, at(second))
                .await
                .unwrap();
        }
        assert_eq!(
            log.firing(&account(), NoticeKind::PredictedLoss).await.unwrap(),
            []
        );
    }
}
