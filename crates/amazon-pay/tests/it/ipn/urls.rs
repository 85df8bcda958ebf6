//! What is an address of SNS, and what only looks like one.

use amazon_pay::ipn::{CertificateUrl, Envelope, Malformed, TopicArn};

use super::authority::{Letter, MESSAGE, SNS, URL};

#[test]
fn the_certificate_of_every_region_of_sns_is_found_at_its_host() {
    for url in [
        URL,
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService.pem",
        "https://sns.us-gov-east-1.amazonaws.com/a.pem",
        "https://sns.ap-southeast-2.amazonaws.com:443/a.pem",
        "https://sns.cn-north-1.amazonaws.com.cn/a/b_c-d.pem",
    ] {
        let parsed = CertificateUrl::parse(url).unwrap();
        assert_eq!(parsed.as_str(), url);
    }
    assert_eq!(CertificateUrl::parse(URL).unwrap().region(), "eu-west-1");
}

#[test]
fn what_only_looks_like_an_address_of_sns_is_refused() {
    for trick in [
        "",
        "https://",
        "https://sns.eu-west-1.amazonaws.com",
        // Not TLS, or not written as we write it.
        "http://sns.eu-west-1.amazonaws.com/a.pem",
        "HTTPS://sns.eu-west-1.amazonaws.com/a.pem",
        " https://sns.eu-west-1.amazonaws.com/a.pem",
        "https:/sns.eu-west-1.amazonaws.com/a.pem",
        "https:\\\\sns.eu-west-1.amazonaws.com/a.pem",
        "file:///etc/a.pem",
        "//sns.eu-west-1.amazonaws.com/a.pem",
        // Somebody else's host.
        "https://evil.example/a.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/a.pem",
        "https://sns.eu-west-1.amazonaws.com.cn.evil.example/a.pem",
        "https://evil.example/https://sns.eu-west-1.amazonaws.com/a.pem",
        "https://evilsns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.evilamazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.comm/a.pem",
        "https://sns.eu-west-1.amazonaws.co/a.pem",
        "https://sns.eu-west-1.amazonaws.com.de/a.pem",
        // Somebody else's host at AWS: a bucket, an API, another service.
        "https://sns.s3.amazonaws.com/a.pem",
        "https://sns.s3-eu-west-1.amazonaws.com/a.pem",
        "https://sns.s3.eu-west-1.amazonaws.com/a.pem",
        "https://s3.eu-west-1.amazonaws.com/a.pem",
        "https://sns.execute-api.eu-west-1.amazonaws.com/a.pem",
        "https://a.sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.amazonaws.com/a.pem",
        "https://sns..amazonaws.com/a.pem",
        "https://sns.-.amazonaws.com/a.pem",
        "https://sns.eu-1.amazonaws.com/a.pem",
        "https://sns.eu-west.amazonaws.com/a.pem",
        "https://sns.eu-west-1-.amazonaws.com/a.pem",
        "https://sns.eu--1.amazonaws.com/a.pem",
        "https://sns.eu-west-123.amazonaws.com/a.pem",
        "https://sns.eu_west_1.amazonaws.com/a.pem",
        "https://sns.rds-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1..amazonaws.com/a.pem",
        "https://sns.eu-west-1amazonaws.com/a.pem",
        // Spelled so that some parser agrees and another does not.
        "https://SNS.eu-west-1.amazonaws.com/a.pem",
        "https://sns.EU-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.AmazonAWS.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com./a.pem",
        "https://sns.eu-west-1%2eamazonaws.com/a.pem",
        "https://sns%2Eeu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws\u{3002}com/a.pem",
        "https://sns.eu-west-1.amazonaw\u{17f}.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com\t/a.pem",
        "https://sns.eu-west-1.amaz\nonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com\\@evil.example/a.pem",
        "https://sns.eu-west-1.amazonaws.com\u{0}/a.pem",
        // User information.
        "https://sns.eu-west-1.amazonaws.com@evil.example/a.pem",
        "https://user@sns.eu-west-1.amazonaws.com/a.pem",
        "https://user:word@sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com:word@evil.example/a.pem",
        "https://sns.eu-west-1.amazonaws.com#@evil.example/a.pem",
        "https://evil.example#.sns.eu-west-1.amazonaws.com/a.pem",
        "https://evil.example?.sns.eu-west-1.amazonaws.com/a.pem",
        // Another port.
        "https://sns.eu-west-1.amazonaws.com:444/a.pem",
        "https://sns.eu-west-1.amazonaws.com:0443/a.pem",
        "https://sns.eu-west-1.amazonaws.com:/a.pem",
        "https://sns.eu-west-1.amazonaws.com:443:443/a.pem",
        "https://[::1]/a.pem",
        // Another file than it seems.
        "https://sns.eu-west-1.amazonaws.com/",
        "https://sns.eu-west-1.amazonaws.com/a.crt",
        "https://sns.eu-west-1.amazonaws.com/a.pem/",
        "https://sns.eu-west-1.amazonaws.com/a.PEM",
        "https://sns.eu-west-1.amazonaws.com/.pem",
        "https://sns.eu-west-1.amazonaws.com/a.pem?a=b",
        "https://sns.eu-west-1.amazonaws.com/?Action=Publish&Message=a.pem",
        "https://sns.eu-west-1.amazonaws.com/a#a.pem",
        "https://sns.eu-west-1.amazonaws.com/a.pem#",
        "https://sns.eu-west-1.amazonaws.com/../a.pem",
        "https://sns.eu-west-1.amazonaws.com/a/../b.pem",
        "https://sns.eu-west-1.amazonaws.com//a.pem",
        "https://sns.eu-west-1.amazonaws.com/%2e%2e/a.pem",
        "https://sns.eu-west-1.amazonaws.com/a.p%65m",
        "https://sns.eu-west-1.amazonaws.com/a .pem",
        "https://sns.eu-west-1.amazonaws.com/a;b.pem",
        "https://sns.eu-west-1.amazonaws.com/a\\b.pem",
        "https://sns.eu-west-1.amazonaws.com/\u{e4}.pem",
        &format!("https://sns.eu-west-1.amazonaws.com/{}.pem", "a".repeat(2048)),
    ] {
        assert!(CertificateUrl::parse(trick).is_err(), "{trick:?}");
        let letter = Letter::notification(MESSAGE)
            .signed_by(&SNS)
            .with("SigningCertURL", trick);
        let refused = Envelope::parse(&letter.bytes()).expect_err(trick);
        let named = matches!(
            refused,
            Malformed::Invalid {
                field: "SigningCertURL",
                ..
            } | Malformed::Missing {
                field: "SigningCertURL"
            }
        );
        assert!(named, "{trick:?}: {refused:?}");
    }
}

#[test]
fn a_subscription_is_confirmed_at_sns_or_nowhere() {
    for trick in [
        "https://evil.example/?Action=ConfirmSubscription",
        "http://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription",
        "https://sns.eu-west-1.amazonaws.com?Action=ConfirmSubscription",
        "https://sns.eu-west-1.amazonaws.com\\.evil.example/?Action=ConfirmSubscription",
        "https://sns.eu-west-1.amazonaws.com@evil.example/?Action=ConfirmSubscription",
        "https://sns.s3.amazonaws.com/?Action=ConfirmSubscription",
        "https://sns.eu-west-1.amazonaws.com/?Action=Confirm Subscription",
        "https://sns.eu-west-1.amazonaws.com/#?Action=ConfirmSubscription",
    ] {
        let letter = Letter::confirmation("SubscriptionConfirmation")
            .with("SubscribeURL", trick)
            .signed_by(&SNS);
        let refused = Envelope::parse(&letter.bytes()).expect_err(trick);
        assert!(
            matches!(
                refused,
                Malformed::Invalid {
                    field: "SubscribeURL",
                    ..
                }
            ),
            "{trick}: {refused:?}"
        );
    }
}

#[test]
fn a_topic_is_named_in_full() {
    for topic in [
        super::authority::TOPIC,
        "arn:aws-cn:sns:cn-north-1:123456789012:a",
        "arn:aws:sns:us-east-1:123456789012:a_b-c.fifo",
    ] {
        assert_eq!(TopicArn::parse(topic).unwrap().as_str(), topic);
    }
    for bad in [
        "",
        "*",
        "arn:aws:sns:*:*:*",
        "arn:aws:sns:eu-west-1:123456789012:",
        "arn:aws:sns:eu-west-1:123456789012:a:b",
        "arn:aws:sns:eu-west-1:12345678901:a",
        "arn:aws:sns:eu-west-1:12345678901x:a",
        "arn:aws:sqs:eu-west-1:123456789012:a",
        "arn:aws:sns:mars:123456789012:a",
        "arn:evil:sns:eu-west-1:123456789012:a",
        "ARN:aws:sns:eu-west-1:123456789012:a",
        "arn:aws:sns:eu-west-1:123456789012:a\n",
    ] {
        assert!(TopicArn::parse(bad).is_err(), "{bad:?}");
    }
}
