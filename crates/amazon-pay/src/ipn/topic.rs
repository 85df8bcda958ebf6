//! The name of a topic of Amazon SNS.

use std::fmt;

use super::sns_url::is_region;

/// The text is not the ARN of an SNS topic. Does not repeat it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a topic ARN: arn:aws:sns:<region>:<account of 12 digits>:<name> is needed")]
pub struct NotATopicArn;

/// The ARN of an SNS topic, such as `arn:aws:sns:eu-west-1:123456789012:AmazonPayIpn`. Seller Central shows
/// the topics that Amazon Pay sends from; sandbox and live have their own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicArn(String);

impl TopicArn {
    /// Reads the ARN.
    ///
    /// # Errors
    /// [`NotATopicArn`] when it is not of that form.
    pub fn parse(text: &str) -> Result<Self, NotATopicArn> {
        let parts: Vec<&str> = text.split(':').collect();
        let ["arn", partition, "sns", region, account, name] = parts.as_slice() else {
            return Err(NotATopicArn);
        };
        let known = matches!(*partition, "aws" | "aws-cn" | "aws-us-gov")
            && is_region(region)
            && account.len() == 12
            && account.bytes().all(|byte| byte.is_ascii_digit())
            && (1..=256).contains(&name.len())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
        if known {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotATopicArn)
        }
    }

    /// The ARN as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TopicArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
