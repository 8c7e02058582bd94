//! `boathook send`: a delivery as its sender would make it.

use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use argh::FromArgs;
use jiff::Timestamp;

use super::{Exit, block_on, check, complain, print};
use crate::config::{Config, Endpoint, Overrides};
use crate::image::{Digest, Repository};
use crate::outside;
use crate::source::draft::{SampleEvent, random_hex};
use crate::source::{self, Draft, Sample};

/// How long the relay may take to answer, besides what `--wait` asks for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sign a delivery as an endpoint's sender would, send it, print the answer.
#[derive(FromArgs)]
#[argh(
    subcommand,
    name = "send",
    usage = "--config FILE --endpoint NAME [--to URL] [options] < body",
    example = "{command_name} --config config.yaml --endpoint ghcr \\\n  --sample image --image ghcr.io/acme/web --tag latest --wait 60",
    note = "The body is read from standard input, or made by --sample. Status and body of\nthe answer are printed; the exit code is 0 if it is a 2xx."
)]
pub(super) struct Send {
    /// the configuration file, for the endpoint's source and key
    #[argh(option)]
    config: PathBuf,
    /// the endpoint's name
    #[argh(option)]
    endpoint: String,
    /// where the relay listens (default http://127.0.0.1:8080)
    #[argh(option, default = "String::from(\"http://127.0.0.1:8080\")")]
    to: String,
    /// a header to send as it is, NAME:VALUE, in the place of what the sender would send; can be given several times
    #[argh(option)]
    header: Vec<String>,
    /// make the body: image, git, pipeline, deploy or ping
    #[argh(option)]
    sample: Option<String>,
    /// the image of the sample (default ghcr.io/acme/web)
    #[argh(option)]
    image: Option<String>,
    /// the tag of the sample (default latest)
    #[argh(option)]
    tag: Option<String>,
    /// the git repository of the sample (default acme/web)
    #[argh(option)]
    repository: Option<String>,
    /// the branch of the sample (default main)
    #[argh(option)]
    branch: Option<String>,
    /// ask for an answer that is held until the runs have ended, at most so many seconds
    #[argh(option)]
    wait: Option<u64>,
}

impl Send {
    pub(super) fn run(self) -> Exit {
        let loaded = Config::load(&self.config, &Overrides::default());
        let Some(config) = &loaded.config else {
            check::report(&loaded);
            return Exit::Usage;
        };
        match self.draft(config) {
            Ok((draft, url)) => {
                let patience = PATIENCE + Duration::from_secs(self.wait.unwrap_or(0));
                self.post(draft, &url, patience)
            }
            Err(why) => {
                complain(&why);
                Exit::Usage
            }
        }
    }

    /// The request and where it goes.
    fn draft(&self, config: &Config) -> Result<(Draft, String), String> {
        let endpoint = endpoint(config, &self.endpoint)?;
        let to = reqwest::Url::parse(&self.to).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        if to.is_none() {
            return Err(format!("--to {}: must be http://… or https://…", self.to.escape_debug()));
        }
        let now = Timestamp::now();
        let headers = headers(&self.header)?;
        let mut draft = match &self.sample {
            Some(event) => self.sampled(endpoint, event, now)?,
            None => Draft { headers: Vec::new(), body: read_body()? },
        };
        // What the caller gives takes the place of what a sample has.
        draft.headers.retain(|(name, _)| !headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name)));
        draft.headers.extend(headers);
        if endpoint.receiver.proof().is_some() {
            let key = endpoint.keys.first().ok_or("the endpoint has no key")?;
            endpoint.receiver.sign(key, &mut draft, now)?;
        }
        draft.default_header("Content-Type", "application/json");
        if let Some(seconds) = self.wait {
            draft.default_header("Prefer", format!("wait={seconds}"));
        }
        let path = endpoint.digests.first().ok_or("the endpoint has no key")?.expose_path();
        Ok((draft, format!("{}{path}", self.to.trim_end_matches('/'))))
    }

    fn sampled(&self, endpoint: &Endpoint, event: &str, now: Timestamp) -> Result<Draft, String> {
        let words: Vec<_> = SampleEvent::WORDS.iter().map(|(word, _)| *word).collect();
        let event =
            SampleEvent::WORDS.iter().find(|(word, _)| *word == event).map(|(_, event)| *event).ok_or_else(
                || {
                    format!(
                        "--sample {}: not an event{}",
                        event.escape_debug(),
                        crate::config::fields::suggest(event, &words)
                    )
                },
            )?;
        let or = |given: &Option<String>, default: &str| given.clone().unwrap_or_else(|| default.to_owned());
        let sample = Sample {
            event,
            image: Repository::parse(&or(&self.image, "ghcr.io/acme/web"))
                .map_err(|e| format!("--image: {e}"))?,
            tag: or(&self.tag, "latest"),
            digest: Digest::parse(&format!("sha256:{}", random_hex::<32>()))
                .ok_or("no digest could be made up")?,
            repository: or(&self.repository, "acme/web"),
            branch: or(&self.branch, "main"),
            commit: random_hex::<20>(),
        };
        let source = endpoint.source.name;
        endpoint
            .receiver
            .sample(&sample, now)
            .ok_or_else(|| format!("{source} sends no such event: no sample of it"))
    }

    fn post(&self, draft: Draft, url: &str, patience: Duration) -> Exit {
        let posted = async {
            let answer = outside::post(url, draft.headers, draft.body, patience).await;
            // The URL's path is a credential of its own: only where it leads is told.
            answer.map_err(|why| format!("{} cannot be asked: {why}", self.to))
        };
        match block_on(posted) {
            Ok((status, body)) => {
                print(&format!("{status}\n{}\n", body.trim_end()));
                if (200..300).contains(&status) { Exit::Done } else { Exit::Failed }
            }
            Err(why) => {
                complain(&why);
                Exit::Failed
            }
        }
    }
}

/// The endpoint of this name, or the names that there are.
pub(super) fn endpoint<'a>(config: &'a Config, name: &str) -> Result<&'a Endpoint, String> {
    let names: Vec<_> = config.endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
    config.endpoint(name).map(AsRef::as_ref).ok_or_else(|| {
        format!(
            "the configuration has no endpoint {}{}",
            name.escape_debug(),
            crate::config::fields::suggest(name, &names)
        )
    })
}

/// Reads `NAME:VALUE`.
pub(super) fn headers(given: &[String]) -> Result<Vec<(String, String)>, String> {
    let pair = |header: &String| {
        let (name, value) = header
            .split_once(':')
            .ok_or_else(|| format!("--header {}: must be NAME:VALUE", header.escape_debug()))?;
        Ok((name.trim().to_owned(), value.trim().to_owned()))
    };
    let pairs: Vec<_> = given.iter().map(pair).collect::<Result<_, String>>()?;
    source::headers(&pairs).map(|_| pairs)
}

/// The body on standard input.
pub(super) fn read_body() -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    let read = std::io::stdin().lock().read_to_end(&mut body);
    read.map_err(|error| format!("the body cannot be read from standard input: {error}"))?;
    Ok(body)
}
