//! Carries one run out, as its [progress](super::progress) says what is to be done next.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::task::{JoinError, JoinSet};

use super::attempts::{Attempts, Stop};
use super::confirm;
use super::engine::Engine;
use super::locks::Leave;
use super::outcome::{End, Outcome};
use super::progress::{Stage, Todo};
use super::record::Run;
use super::target::{self, Lock};
use crate::action::{Action, Target};

/// How a run came to rest.
pub(super) enum Rest {
    Ended(End),
    /// It waits for a confirmation until then, and takes nobody's place meanwhile.
    Asks(Timestamp),
}

/// Carries the run out and says how it came to rest; `None` if the process ends first and the next one goes on.
/// `locks` are of the workloads that it had begun to change in an earlier process.
pub(super) async fn carry_out(engine: &Arc<Engine>, run: &Arc<Run>, mut locks: Vec<Leave>) -> Option<Rest> {
    loop {
        match engine.todo(run)? {
            Todo::Find(step) => find(engine, run, step).await?,
            Todo::Work(step, _) if let Some(confirm) = run.actions.get(step).and_then(Action::confirm) => {
                if let Some(until) = confirm::look(engine, run, step, confirm).await? {
                    return Some(Rest::Asks(until));
                }
            }
            Todo::Work(step, places) => {
                let undoes = run.actions.get(step).is_some_and(Action::rolls_back);
                if undoes && locks.is_empty() {
                    locks = lock_all(engine, run, step).await?;
                }
                if work(engine, run, step, places, (!undoes).then_some(&mut locks)).await.is_none() {
                    keep(engine, run, locks);
                    return None;
                }
            }
            Todo::LeaveAlone(step, places) => {
                let end = End::new(Outcome::Skipped, "left alone, since another target failed");
                let leave = |places: Vec<usize>| {
                    move |progress: &mut super::progress::Progress| {
                        for place in places {
                            progress.set_stage(step, place, Stage::Ended(end.clone(), None));
                        }
                    }
                };
                engine.note(run.id, leave(places)).await;
            }
            Todo::Undo(step) => engine.undo(run, step).await,
            Todo::EndStep(step, end) => {
                engine.note(run.id, |progress| progress.end_step(step, end)).await;
                locks.clear();
            }
            Todo::EndRun(end) => return Some(Rest::Ended(end)),
        }
    }
}

/// Takes the locks of all targets of a step that may be undone as a whole: always in the same order, so that two
/// runs cannot wait for one another.
async fn lock_all(engine: &Engine, run: &Run, step: usize) -> Option<Vec<Leave>> {
    let mut names: Vec<_> = engine.targets(run.id, step).iter().filter_map(lock_name).collect();
    names.sort_unstable();
    names.dedup();
    let mut locks = Vec::with_capacity(names.len());
    for name in names {
        locks.push(engine.locks.take(name).await?);
    }
    Some(locks)
}

/// The run goes on in the next process: what it has yet to send comes before what others want there.
fn keep(engine: &Engine, run: &Run, locks: Vec<Leave>) {
    for leave in locks {
        if engine.has_to_send(run.id, |target| lock_name(target).is_some_and(|name| leave.is_for(&name))) {
            leave.keep_for(run.id);
        }
    }
}

/// What is locked while a target is worked on; Flux is told of everything side by side, and looking changes nothing.
pub(super) fn lock_name(target: &Target) -> Option<String> {
    match target {
        Target::Flux | Target::Url(_) | Target::Confirmation => None,
        _ => Some(target.full_name()),
    }
}

/// Finds a step's targets, trying for as long as a target may be tried.
async fn find(engine: &Arc<Engine>, run: &Arc<Run>, step: usize) -> Option<()> {
    let Some(action) = run.actions.get(step) else { return Some(()) };
    let begun = Timestamp::now();
    let what = format!("the targets of {}", action.name());
    let mut attempts = Attempts::new(engine, run, None, &what);
    let found = loop {
        attempts.begin().await;
        let found = async {
            // A list may be large: only a few are read at once.
            let _permit = engine.finding.acquire().await;
            action.find(&engine.api(), &run.context()).await
        };
        match attempts.within(found).await {
            Ok(found) => break Ok(found),
            Err(failure) => match attempts.wait_after(failure).await {
                Ok(()) => {}
                Err(Stop::Suspended) => return None,
                Err(Stop::End(end)) => break Err(end),
            },
        }
    };
    match found {
        Ok(found) => {
            let passed_over: Vec<_> =
                found.skipped.iter().map(|(what, why)| format!("{what}: {why}")).collect();
            engine
                .note(run.id, |progress| {
                    progress.begin_step(found.targets, passed_over.join("; "));
                    progress.build_on(begun);
                })
                .await;
        }
        Err(end) => {
            engine
                .note(run.id, |progress| {
                    progress.begin_step(Vec::new(), String::new());
                    progress.end_step(step, end);
                })
                .await;
        }
    }
    Some(())
}

/// Works on targets side by side; `None` if the process ends before all of them have come to a rest. Each takes its
/// lock, if it is not among these; with `None` the step has them all.
async fn work(
    engine: &Arc<Engine>,
    run: &Arc<Run>,
    step: usize,
    places: Vec<usize>,
    mut locks: Option<&mut Vec<Leave>>,
) -> Option<()> {
    let mut tasks = JoinSet::new();
    for place in places {
        let (engine, run) = (Arc::clone(engine), Arc::clone(run));
        let name = engine.target(run.id, (step, place)).and_then(|target| lock_name(&target.target));
        let lock = match (&mut locks, name) {
            (Some(had), Some(name)) => {
                let taken =
                    had.iter().position(|leave| leave.is_for(&name)).map(|leave| had.swap_remove(leave));
                taken.map_or(Lock::Take(name), Lock::Taken)
            }
            _ => Lock::None,
        };
        tasks.spawn(async move {
            let work = tokio::spawn({
                let (engine, run) = (Arc::clone(&engine), Arc::clone(&run));
                async move { target::work(&engine, &run, (step, place), lock).await }
            });
            match work.await {
                Ok(rested) => rested,
                Err(error) => {
                    let end = panicked(&error);
                    engine.end_target(&run, (step, place), end, None).await;
                    Some(())
                }
            }
        });
    }
    let mut all_rest = Some(());
    while let Some(rested) = tasks.join_next().await {
        if !matches!(rested, Ok(Some(()))) {
            all_rest = None;
        }
    }
    all_rest
}

/// A panic is a defect of ours and ends one target or one run, never the process.
pub(super) fn panicked(error: &JoinError) -> End {
    log::error!("a defect of boathook, please report it: {error}");
    End::new(Outcome::Failed, format!("a defect of boathook, please report it: {error}"))
}
