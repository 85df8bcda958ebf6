//! What pages are dressed in. It comes with the program: nothing is fetched from anywhere else.

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

use crate::access::Gate;
use crate::desk::Desk;

pub(crate) fn routes<D: Desk>() -> Router<Arc<Gate<D>>> {
    Router::new()
        .route(
            "/assets/console.css",
            get(|| async { with_type("text/css; charset=utf-8", include_str!("../assets/console.css")) }),
        )
        .route(
            "/assets/console.js",
            get(|| async {
                with_type(
                    "text/javascript; charset=utf-8",
                    include_str!("../assets/console.js"),
                )
            }),
        )
}

fn with_type(content_type: &'static str, text: &'static str) -> impl IntoResponse {
    // Another version of the program may dress its pages otherwise.
    (
        [
            (header::CONTENT_TYPE, content_type),
            (header::CACHE_CONTROL, "no-cache"),
        ],
        text,
    )
}
