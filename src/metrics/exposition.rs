//! The text that metrics are told in: [OpenMetrics 1.0](https://prometheus.io/docs/specs/om/open_metrics_spec/), and
//! the older text of Prometheus for who asks for it alone.

use std::fmt::{Display, Write as _};

use super::catalogue::{Kind, Metric};
use super::histogram::Histogram;

/// How a page is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `OpenMetrics` 1.0.
    OpenMetrics,
    /// Prometheus' text format 0.0.4, which knows no units and no end.
    Prometheus,
}

impl Format {
    /// What a request's `Accept` header asks for: `OpenMetrics`, unless it wants plain text and does not know that.
    pub fn wanted(accept: Option<&str>) -> Self {
        match accept {
            Some(accept) if accept.contains("text/plain") && !accept.contains("openmetrics-text") => {
                Self::Prometheus
            }
            _ => Self::OpenMetrics,
        }
    }

    /// The media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// A page that is being written. What is written to a text always succeeds.
#[derive(Debug)]
pub(super) struct Writer {
    format: Format,
    text: String,
}

/// The samples of one metric, to be written.
#[derive(Debug)]
pub(super) struct Samples<'a> {
    metric: &'static Metric,
    text: &'a mut String,
}

impl Writer {
    pub(super) fn new(format: Format) -> Self {
        Self { format, text: String::with_capacity(8 * 1024) }
    }

    /// Begins a metric: everything about it stands together.
    pub(super) fn metric(&mut self, metric: &'static Metric) -> Samples<'_> {
        let Metric { name, unit, help, .. } = metric;
        let (kind, suffix) = match (self.format, metric.kind) {
            (Format::Prometheus, Kind::Counter) => ("counter", "_total"),
            (Format::Prometheus, Kind::Info) => ("gauge", "_info"),
            (_, Kind::Counter) => ("counter", ""),
            (_, Kind::Info) => ("info", ""),
            (_, Kind::Gauge) => ("gauge", ""),
            (_, Kind::Histogram) => ("histogram", ""),
        };
        let _ = writeln!(self.text, "# HELP {name}{suffix} {help}\n# TYPE {name}{suffix} {kind}");
        if self.format == Format::OpenMetrics && !unit.is_empty() {
            let _ = writeln!(self.text, "# UNIT {name} {unit}");
        }
        Samples { metric, text: &mut self.text }
    }

    pub(super) fn finish(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }
}

impl Samples<'_> {
    /// A sample with the values of the metric's labels.
    pub(super) fn put(&mut self, labels: &[&dyn Display], value: impl Display) -> &mut Self {
        let suffix = match self.metric.kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram => "",
        };
        self.line(suffix, self.metric.labels.iter().copied().zip(labels.iter().copied()), value);
        self
    }

    /// The only sample, if there is a value.
    pub(super) fn if_known(&mut self, value: Option<impl Display>) {
        if let Some(value) = value {
            self.put(&[], value);
        }
    }

    /// All samples of a histogram.
    pub(super) fn histogram(&mut self, histogram: &Histogram) {
        let reading = histogram.read();
        for (bound, count) in &reading.buckets {
            let bound = if bound.is_finite() { format!("{bound:?}") } else { "+Inf".to_owned() };
            self.line("_bucket", [("le", &bound as &dyn Display)].into_iter(), count);
        }
        self.line("_count", std::iter::empty(), reading.count());
        self.line("_sum", std::iter::empty(), reading.sum);
    }

    fn line<'a>(
        &mut self,
        suffix: &str,
        labels: impl Iterator<Item = (&'a str, &'a dyn Display)>,
        value: impl Display,
    ) {
        let _ = write!(self.text, "{}{suffix}", self.metric.name);
        let mut before = '{';
        for (name, label) in labels {
            // Names, words and numbers: none of them needs an escape, which endpoints' names are checked for.
            let _ = write!(self.text, "{before}{name}=\"{label}\"");
            before = ',';
        }
        if before == ',' {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::super::catalogue::{RETRIES, RUN_DURATION, RUNS};
    use super::*;

    fn written(format: Format) -> String {
        let mut writer = Writer::new(format);
        writer.metric(&RUNS).put(&[&"restart", &"failed"], 2).put(&[&"restart", &"held"], 0);
        writer.metric(&RETRIES).put(&[], 1);
        let histogram = Histogram::new(&[0.5, 1.0]);
        histogram.observe(0.75);
        writer.metric(&RUN_DURATION).histogram(&histogram);
        writer.finish()
    }

    #[test]
    fn openmetrics_has_units_and_an_end() {
        insta::assert_snapshot!(written(Format::OpenMetrics), @r#"
        # HELP boathook_runs Runs that ended, by their first action.
        # TYPE boathook_runs counter
        boathook_runs_total{action="restart",outcome="failed"} 2
        boathook_runs_total{action="restart",outcome="held"} 0
        # HELP boathook_retries Tries of a target, or of finding targets, that failed and are made again.
        # TYPE boathook_retries counter
        boathook_retries_total 1
        # HELP boathook_run_duration_seconds From the arrival of a delivery until a run of it ended, superseded ones left out.
        # TYPE boathook_run_duration_seconds histogram
        # UNIT boathook_run_duration_seconds seconds
        boathook_run_duration_seconds_bucket{le="0.5"} 0
        boathook_run_duration_seconds_bucket{le="1.0"} 1
        boathook_run_duration_seconds_bucket{le="+Inf"} 1
        boathook_run_duration_seconds_count 1
        boathook_run_duration_seconds_sum 0.75
        # EOF
        "#);
    }

    #[test]
    fn the_older_text_names_counters_by_their_samples() {
        let text = written(Format::Prometheus);
        assert!(text.contains("# TYPE boathook_runs_total counter\nboathook_runs_total{"), "{text}");
        assert!(!text.contains("# UNIT") && !text.contains("# EOF"), "{text}");
    }

    #[test]
    fn the_older_text_is_for_who_asks_for_it_alone() {
        let prometheus =
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1";
        for (accept, format) in [
            (None, Format::OpenMetrics),
            (Some("*/*"), Format::OpenMetrics),
            (Some(prometheus), Format::OpenMetrics),
            (Some("text/plain"), Format::Prometheus),
        ] {
            assert_eq!(Format::wanted(accept), format, "{accept:?}");
        }
    }
}
