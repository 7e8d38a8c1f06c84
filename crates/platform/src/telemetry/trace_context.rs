//! The trace of a request, carried as W3C `traceparent` text over HTTP, NATS headers and stored inputs.

use std::collections::HashMap;

use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Name of the header, in HTTP and on the bus.
pub const HEADER: &str = "traceparent";

/// The current span's context, or an empty text when it is not traced.
#[must_use]
pub fn current_traceparent() -> String {
    let context = Span::current().context();
    if !context.span().span_context().is_valid() {
        return String::new();
    }
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&context, &mut carrier);
    carrier.remove(HEADER).unwrap_or_default()
}

/// Makes a span part of a trace that began elsewhere. An empty or malformed text changes nothing.
pub fn set_parent(span: &Span, traceparent: &str) {
    if traceparent.is_empty() {
        return;
    }
    let carrier = HashMap::from([(HEADER.to_owned(), traceparent.to_owned())]);
    let context = TraceContextPropagator::new().extract(&carrier);
    if context.span().span_context().is_valid() {
        // Refused only when the span is not recorded, and then there is nothing to link.
        span.set_parent(context).ok();
    }
}
