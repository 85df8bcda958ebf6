//! Amazon's published quotas: one token bucket per merchant account and operation.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::api::operation::Operation;
use crate::options::Profile;
use crate::unknowns::Unknowns;

/// Burst and restore rate per second.
struct Limit {
    burst: f64,
    per_second: f64,
}

fn limit(profile: Profile, operation: Operation) -> Option<Limit> {
    let (live, sandbox) = match operation {
        Operation::Finalize | Operation::Complete => ((20.0, 4.0), (2.0, 1.0)),
        Operation::Create => ((40.0, 16.0), (5.0, 1.0)),
        Operation::Get => ((40.0, 8.0), (10.0, 1.0)),
        Operation::Update => ((20.0, 8.0), (5.0, 1.0)),
        Operation::Permission => ((20.0, 4.0), (10.0, 1.0)),
        Operation::UpdatePermission | Operation::UpdateCharge => ((10.0, 2.0), (5.0, 1.0)),
        Operation::Close | Operation::Cancel => ((10.0, 2.0), (2.0, 1.0)),
        Operation::CreateCharge | Operation::CreateRefund => ((10.0, 4.0), (2.0, 1.0)),
        Operation::Charge | Operation::Refund | Operation::Buyer => ((20.0, 4.0), (5.0, 1.0)),
        Operation::Capture => ((20.0, 4.0), (2.0, 1.0)),
    };
    let (burst, per_second) = match profile {
        Profile::Live => live,
        Profile::Sandbox => sandbox,
        Profile::Unlimited => return None,
    };
    Some(Limit { burst, per_second })
}

/// The published table leaves these out; they are taken to be as their siblings.
fn is_published(operation: Operation) -> bool {
    !matches!(
        operation,
        Operation::Finalize | Operation::UpdateCharge | Operation::Buyer
    )
}

pub(crate) struct Quotas {
    profile: Profile,
    buckets: HashMap<(usize, Operation), Bucket>,
}

struct Bucket {
    tokens: f64,
    filled_at: Timestamp,
}

impl Quotas {
    pub(crate) fn new(profile: Profile) -> Self {
        Self {
            profile,
            buckets: HashMap::new(),
        }
    }

    /// Takes a token of `merchant` for `operation`; false when there is none.
    pub(crate) fn take(
        &mut self,
        merchant: usize,
        operation: Operation,
        now: Timestamp,
        unknowns: &Unknowns,
    ) -> bool {
        if !unknowns.unlisted_operations_throttled && !is_published(operation) {
            return true;
        }
        let operation = match operation {
            Operation::Finalize if unknowns.finalize_shares_complete_quota => Operation::Complete,
            own => own,
        };
        let Some(Limit { burst, per_second }) = limit(self.profile, operation) else {
            return true;
        };
        let bucket = self.buckets.entry((merchant, operation)).or_insert(Bucket {
            tokens: burst,
            filled_at: now,
        });
        // A clock that was set back takes no tokens away.
        let passed = now.duration_since(bucket.filled_at).as_secs_f64().max(0.0);
        bucket.tokens = (bucket.tokens + passed * per_second).min(burst);
        bucket.filled_at = now;
        if bucket.tokens < 1.0 {
            return false;
        }
        bucket.tokens -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let mut quotas = Quotas::new(Profile::Live);
        let at = |millis: i64| Timestamp::from_millisecond(1_767_607_200_000 + millis).unwrap();
        let taken = |quotas: &mut Quotas, merchant, now| {
            (0..100)
                .take_while(|_| quotas.take(merchant, Operation::Finalize, now, &Unknowns::default()))
                .count()
        };
        assert_eq!(taken(&mut quotas, 0, at(0)), 20);
        assert_eq!(taken(&mut quotas, 1, at(0)), 20, "another account has its own");
        assert_eq!(taken(&mut quotas, 0, at(1_000)), 4);
        assert_eq!(taken(&mut quotas, 0, at(1_100)), 0);
        assert_eq!(taken(&mut quotas, 0, at(1_250)), 1);
        assert_eq!(taken(&mut quotas, 0, at(0)), 0, "set back");
        assert_eq!(
            taken(&mut quotas, 0, at(3_600_000)),
            20,
            "never more than the burst"
        );
        assert!(
            quotas.take(0, Operation::Complete, at(0), &Unknowns::default()),
            "another operation has its own"
        );
    }
}
