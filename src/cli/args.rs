//! The command line as argh wants it: `--flag=value` taken apart, and flags without a command meaning `serve`,
//! as flux-recv's manifests have it.

use std::ffi::OsString;

/// Takes the program's name off and brings the rest into argh's form.
pub(super) fn normalize(arguments: impl IntoIterator<Item = OsString>) -> Result<Vec<String>, String> {
    let mut normal = Vec::new();
    let mut verbatim = false;
    for argument in arguments.into_iter().skip(1) {
        let argument = argument.into_string().map_err(|bad| {
            format!("the argument {} is not valid UTF-8", bad.to_string_lossy().escape_debug())
        })?;
        match argument.split_once('=') {
            Some((flag, value)) if !verbatim && flag.starts_with("--") && flag.len() > 2 => {
                normal.extend([flag.to_owned(), value.to_owned()]);
            }
            None if !verbatim && argument == "-h" => normal.push("--help".to_owned()),
            _ => {
                verbatim |= argument == "--";
                normal.push(argument);
            }
        }
    }
    let first = normal.first().map_or("", String::as_str);
    if first.starts_with("--") && !matches!(first, "--help" | "--version") {
        normal.insert(0, "serve".to_owned());
    }
    Ok(normal)
}

/// A flag's value, or that of the environment variable that stands for it; an empty one counts as unset.
pub(super) fn or_env(flag: Option<String>, variable: &str) -> Option<String> {
    flag.or_else(|| std::env::var(variable).ok()).filter(|value| !value.is_empty())
}

/// The value of an environment variable; an empty one counts as unset.
pub(super) fn env(variable: &str) -> Option<String> {
    or_env(None, variable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(words: &[&str]) -> Vec<String> {
        let words = std::iter::once("boathook").chain(words.iter().copied()).map(OsString::from);
        normalize(words).unwrap()
    }

    #[test]
    fn flags_may_carry_their_value_behind_an_equals_sign() {
        assert_eq!(normal(&["serve", "--config=a=b.yaml"]), ["serve", "--config", "a=b.yaml"]);
        assert_eq!(normal(&["send", "--header", "K:V=1"]), ["send", "--header", "K:V=1"]);
        assert_eq!(normal(&["send", "--", "--a=b"]), ["send", "--", "--a=b"]);
    }

    #[test]
    fn flags_alone_mean_serve() {
        assert_eq!(normal(&["--config=/etc/x.yaml"]), ["serve", "--config", "/etc/x.yaml"]);
        assert_eq!(normal(&["--help"]), ["--help"]);
        assert_eq!(normal(&["-h"]), ["--help"]);
        assert_eq!(normal(&[]), [] as [&str; 0]);
    }
}
