//! Amazon's words for why a call is refused.

use crate::model::words;

words!(
    /// Why a call is refused. The comments say what Amazon means; what to do is the caller's.
    ReasonCode {
        /// 400: a header's value is not valid.
        InvalidHeaderValue,
        /// 400: a header is missing.
        MissingHeader,
        /// 400: a header is empty.
        MissingHeaderValue,
        /// 400: the request is not valid.
        InvalidRequest,
        /// 400: the body is not valid JSON.
        InvalidRequestFormat,
        /// 400: a parameter's value is not valid; the message names it.
        InvalidParameterValue,
        /// 400: a required parameter is missing.
        MissingParameterValue,
        /// 400: the body has a field that the API does not know.
        UnrecognizedField,
        /// 400: parameters that cannot be combined.
        InvalidParameterCombination,
        /// 400: the idempotency key was used for another request.
        DuplicateIdempotencyKey,
        /// 400: this simulation makes no sense for this call.
        InvalidSandboxSimulationSpecified,
        /// 400: another currency than at checkout.
        CurrencyMismatch,
        /// 400: no such version of the API, or an object of another version.
        InvalidAPIVersion,
        /// 400: more than the permission or the session allows.
        TransactionAmountExceeded,
        /// 400: more than a saved wallet may be charged in a month.
        PeriodicAmountExceeded,
        /// 401: the account may not do this, for example for want of delegated access.
        UnauthorizedAccess,
        /// 403: authentication failed.
        InvalidAuthentication,
        /// 403: the signature does not verify: a key that Amazon does not know by this id, another region, or a
        /// clock that is wrong. [`Error::message`](crate::Error::message) helps to tell which.
        InvalidRequestSignature,
        /// 403: the solution provider's token is not valid.
        InvalidAuthorizationToken,
        /// 403: the merchant's account is not in good standing.
        InvalidAccountStatus,
        /// 404: no such object: a wrong id, another environment, region or account, or a session older than 30
        /// days.
        ResourceNotFound,
        /// 405: the object does not know this operation.
        UnsupportedOperation,
        /// 405: the object does not know this method.
        RequestNotSupported,
        /// 408: Amazon waited too long.
        RequestTimeout,
        /// 409: the amount differs from the session's.
        AmountMismatch,
        /// 422: the session is not in a state for this. It may be completed **and paid**, canceled, or still
        /// waiting for its buyer: look it up.
        InvalidCheckoutSessionStatus,
        /// 422 or 400: the session was canceled.
        CheckoutSessionCanceled,
        /// 422: the payment instrument is refused for good.
        HardDeclined,
        /// 422: the payment is refused now, and might work later.
        SoftDeclined,
        /// 422: refused by Amazon's checks, which closes the permission too.
        AmazonRejected,
        /// 422: the merchant may not take this payment instrument.
        PaymentMethodNotAllowed,
        /// 422: the buyer did not finish the strong authentication.
        MFANotCompleted,
        /// 422: the authorization did not end in time.
        TransactionTimedOut,
        /// 422: too many charges or refunds.
        TransactionCountExceeded,
        /// 422: the permission is not in a state for this.
        InvalidChargePermissionStatus,
        /// 422: the permission is closed.
        ChargePermissionNotModifiable,
        /// 422: the charge is not in a state for this.
        InvalidChargeStatus,
        /// 426: too old a version of TLS.
        TLSVersionNotSupported,
        /// 429: over the quota of this operation.
        TooManyRequests,
        /// 429: the same, in another word.
        RequestThrottled,
        /// 500: an unexpected fault at Amazon.
        InternalServerError,
        /// 500: Amazon could not process the transaction.
        ProcessingFailure,
        /// 503: not available for a while.
        ServiceUnavailable,
    }
);

impl ReasonCode {
    /// Says that Amazon began and did not come to an end.
    pub(crate) fn is_unclear(&self) -> bool {
        matches!(
            self,
            Self::RequestTimeout
                | Self::InternalServerError
                | Self::ServiceUnavailable
                | Self::ProcessingFailure
                | Self::TransactionTimedOut
        )
    }
}
