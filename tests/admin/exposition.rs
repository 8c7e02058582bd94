//! Reads `OpenMetrics` as strictly as its specification is written; whatever is not so fails the test.

use std::collections::BTreeMap;

/// A page of metrics.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Types by the name of the family.
    pub(super) families: BTreeMap<String, String>,
    /// Values by what stands before them: `name{label="value"}`.
    pub(super) series: BTreeMap<String, f64>,
}

impl Page {
    pub(super) fn parse(text: &str) -> Self {
        let body = text.strip_suffix("# EOF\n").unwrap_or_else(|| panic!("no `# EOF` at the end: {text}"));
        let mut page = Self::default();
        let mut family = String::new();
        for line in body.lines() {
            match line.strip_prefix("# ") {
                Some(comment) => page.comment(comment, &mut family),
                None => page.sample(line, &family),
            }
        }
        page.check_histograms();
        page
    }

    /// The value of this series.
    #[track_caller]
    pub(super) fn value(&self, series: &str) -> f64 {
        *self.series.get(series).unwrap_or_else(|| panic!("no {series} in {self:#?}"))
    }

    /// The value of this series as a count; 0 if it is not there.
    pub(super) fn count(&self, series: &str) -> u64 {
        format!("{}", self.series.get(series).copied().unwrap_or(0.0)).parse().unwrap()
    }

    /// What samples of a family may be called.
    pub(super) fn sample_names(&self) -> Vec<String> {
        let names = self.families.iter().flat_map(|(name, kind)| {
            let endings: &[&str] = match kind.as_str() {
                "counter" => &["_total"],
                "info" => &["_info"],
                "histogram" => &["_bucket", "_count", "_sum"],
                _ => &[""],
            };
            endings.iter().map(move |ending| format!("{name}{ending}"))
        });
        names.collect()
    }

    fn comment(&mut self, comment: &str, family: &mut String) {
        let mut words = comment.splitn(3, ' ');
        let (what, name, rest) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        match what {
            "HELP" => {
                assert!(!self.families.contains_key(name), "{name} comes twice");
                name.clone_into(family);
                self.families.insert(name.to_owned(), String::new());
            }
            "TYPE" => {
                assert!(["counter", "gauge", "histogram", "info"].contains(&rest), "{comment}");
                assert_eq!(name, family, "its help stands before it");
                self.families.insert(name.to_owned(), rest.to_owned());
            }
            "UNIT" => {
                assert_eq!(name, family, "its type stands before it");
                assert!(name.ends_with(&format!("_{rest}")), "{comment}");
            }
            _ => panic!("not a comment of OpenMetrics: {comment}"),
        }
    }

    fn sample(&mut self, line: &str, family: &str) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let name = series.split('{').next().unwrap();
        let ending =
            name.strip_prefix(family).unwrap_or_else(|| panic!("{line}: not of the family {family}"));
        let endings: &[&str] = match self.families[family].as_str() {
            "counter" => &["_total"],
            "info" => &["_info"],
            "gauge" => &[""],
            "histogram" => &["_bucket", "_count", "_sum"],
            other => panic!("{line}: a sample of the type {other:?}"),
        };
        assert!(endings.contains(&ending), "{line}");
        if let Some(labels) = series.strip_prefix(name).filter(|labels| !labels.is_empty()) {
            check_labels(labels);
        }
        let value: f64 = value.parse().unwrap_or_else(|_| panic!("not a number: {line}"));
        assert!(value.is_finite() && value >= 0.0, "nothing here is below zero: {line}");
        assert!(self.series.insert(series.to_owned(), value).is_none(), "{series} comes twice");
    }

    fn check_histograms(&self) {
        let histograms = self.families.iter().filter(|(_, kind)| *kind == "histogram");
        for name in
            histograms.map(|(name, _)| name).filter(|name| self.series.contains_key(&format!("{name}_sum")))
        {
            let begin = format!("{name}_bucket{{le=\"");
            let bounds = self.series.iter().filter_map(|(series, count)| {
                let bound = series.strip_prefix(&begin)?.strip_suffix("\"}").unwrap();
                Some((if bound == "+Inf" { f64::INFINITY } else { bound.parse::<f64>().unwrap() }, *count))
            });
            let mut bounds: Vec<_> = bounds.collect();
            bounds.sort_by(|a, b| a.0.total_cmp(&b.0));
            assert!(
                bounds.windows(2).all(|two| two[0].1 <= two[1].1),
                "{name} is not cumulative: {bounds:?}"
            );
            let last = bounds.last().unwrap();
            assert!(last.0.is_infinite(), "{name} has no +Inf");
            assert_eq!(last.1.to_string(), self.value(&format!("{name}_count")).to_string(), "{name}");
        }
    }
}

/// `{name="value",other="value"}`
fn check_labels(text: &str) {
    let inner =
        text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or_else(|| panic!("{text}"));
    let mut names = Vec::new();
    for label in inner.split("\",") {
        let (name, value) = label.split_once("=\"").unwrap_or_else(|| panic!("{text}"));
        assert!(!name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{text}");
        assert!(!value.trim_end_matches('"').contains(['"', '\\']), "{text}");
        assert!(!names.contains(&name), "{text}: {name} comes twice");
        names.push(name);
    }
}

#[test]
fn what_is_not_strict_is_seen() {
    let good = "# HELP a A.\n# TYPE a counter\na_total{x=\"1\"} 2\n# EOF\n";
    assert_eq!(Page::parse(good).count("a_total{x=\"1\"}"), 2);
    for bad in [
        "# HELP a A.\n# TYPE a counter\na_total 2\n",
        "# HELP a A.\n# TYPE a counter\na 2\n# EOF\n",
        "# HELP a A.\n# TYPE a counter\na_total 2\na_total 2\n# EOF\n",
        "# HELP a A.\n# TYPE a counter\nb_total 2\n# EOF\n",
        "# HELP a A.\n# TYPE a counter\na_total{x=1} 2\n# EOF\n",
        "# HELP a A.\n# TYPE a gauge\na -1\n# EOF\n",
        "# HELP a A.\n# TYPE a gauge\n# UNIT a seconds\na 1\n# EOF\n",
        "# HELP a A.\n# TYPE a histogram\na_bucket{le=\"1.0\"} 1\na_count 1\na_sum 1\n# EOF\n",
    ] {
        assert!(std::panic::catch_unwind(|| Page::parse(bad)).is_err(), "{bad}");
    }
}
