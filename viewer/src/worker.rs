//! What must not hold up the window: reading files, planning, compiling, waiting for the GPU. It runs in a thread of
//! its own, or, in a browser, whenever the page is idle. Jobs are done one after the other; one that a later job makes
//! needless is not done at all.

use crate::network::Network;
use crate::perturbation::{Perturbation, Perturbed, Perturber};
use crate::photos::{Photos, Source};
use crate::picture::Picture;
use crate::save::Save;
use agf::display::Display;
use agf::models::{InputSpec, Model};
use agf::{Explained, Explainer, Gpu, Method, Session, SessionShape};
use eframe::egui::DroppedFileHandle;
use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures_util::StreamExt;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::mpsc;

/// Something to do.
pub enum Job {
    /// Read a network.
    Open(Network),
    /// Look for the photos of a path.
    List(PathBuf),
    /// Take files that were dropped.
    Receive(Vec<DroppedFileHandle>),
    /// Read a photo.
    Look(Source, InputSpec),
    /// Plan a network for a method.
    Prepare { ticket: u64, method: Method, shape: SessionShape, audit: bool },
    /// Read what a session has computed.
    Read { ticket: u64, session: Session },
    /// Classify a picture of which pixels are hidden.
    Perturb { ticket: u64, perturbation: Perturbation },
    /// Write files of what is seen.
    Save(Save),
}

impl Job {
    /// Whether nobody waits for `other` any more once this is asked.
    fn replaces(&self, other: &Self) -> bool {
        match self {
            Self::Open(_) | Self::Save(_) => false,
            Self::List(_) | Self::Receive(_) => matches!(other, Self::List(_) | Self::Receive(_)),
            Self::Look(..) => matches!(other, Self::Look(..)),
            Self::Prepare { .. } | Self::Read { .. } => matches!(other, Self::Prepare { .. } | Self::Read { .. }),
            Self::Perturb { .. } => matches!(other, Self::Perturb { .. }),
        }
    }
}

/// What came of it.
pub enum Event {
    /// The kernels for textures.
    Display(Result<Box<Display>, String>),
    /// A network.
    Network(Network, Result<Box<Model>, String>),
    /// Photos to look at.
    Photos(Result<Photos, String>),
    /// A photo.
    Picture(Result<Box<Picture>, String>),
    /// A session that is ready to run.
    Prepared { ticket: u64, session: Result<Session, String> },
    /// Logits and maps.
    Read { ticket: u64, explained: Result<Explained, String> },
    /// The answer to a perturbed picture.
    Perturbed { ticket: u64, perturbed: Result<Perturbed, String> },
    /// Files that were written, in words.
    Saved(Result<String, String>),
}

/// The way to the worker, and back.
pub struct Worker {
    jobs: UnboundedSender<Job>,
    events: mpsc::Receiver<Event>,
}

impl Worker {
    /// Starts a worker on a device; `wake` is called after every job.
    pub fn start(gpu: Gpu, wake: impl Fn() + Send + 'static) -> Self {
        let (jobs, received) = unbounded();
        let (sender, events) = mpsc::channel();
        spawn(work(gpu, received, sender, wake));
        Self { jobs, events }
    }

    /// Asks for something.
    pub fn send(&self, job: Job) {
        // It fails only where the worker has ended, which it does when this is dropped.
        let _ = self.jobs.unbounded_send(job);
    }

    /// What has come since.
    pub fn events(&self) -> Vec<Event> {
        self.events.try_iter().collect()
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    std::thread::spawn(|| pollster::block_on(work));
}

#[cfg(target_arch = "wasm32")]
fn spawn(work: impl Future<Output = ()> + 'static) {
    wasm_bindgen_futures::spawn_local(work);
}

async fn work(gpu: Gpu, mut jobs: UnboundedReceiver<Job>, events: mpsc::Sender<Event>, wake: impl Fn()) {
    let mut desk = Desk { perturber: Perturber::new(&gpu), explainer: None, gpu };
    let display = Display::new(&desk.gpu).await.map(Box::new).map_err(|error| error.to_string());
    if events.send(Event::Display(display)).is_err() {
        return;
    }
    wake();
    let mut waiting = VecDeque::new();
    while let Some(job) = jobs.next().await {
        add(&mut waiting, job);
        while let Some(job) = waiting.pop_front() {
            if events.send(desk.done(job).await).is_err() {
                return;
            }
            wake();
            while let Ok(job) = jobs.try_recv() {
                add(&mut waiting, job);
            }
        }
    }
}

fn add(waiting: &mut VecDeque<Job>, job: Job) {
    waiting.retain(|other| !job.replaces(other));
    waiting.push_back(job);
}

/// What jobs are done with.
struct Desk {
    gpu: Gpu,
    explainer: Option<Explainer>,
    perturber: Perturber,
}

const NO_NETWORK: &str = "there is no network yet";

impl Desk {
    async fn done(&mut self, job: Job) -> Event {
        match job {
            Job::Open(network) => {
                let model = network.open();
                self.explainer = model.as_ref().ok().map(|model| Explainer::new(&self.gpu, model, Method::default()));
                Event::Network(network, model.map(Box::new))
            }
            Job::List(path) => Event::Photos(Photos::open(&path)),
            Job::Receive(files) => Event::Photos(Photos::receive(&files).await),
            Job::Look(source, spec) => Event::Picture(Picture::open(source, &spec).map(Box::new)),
            Job::Prepare { ticket, method, shape, audit } => {
                Event::Prepared { ticket, session: self.prepare(method, shape, audit).await }
            }
            Job::Read { ticket, session } => Event::Read { ticket, explained: read(&session).await },
            Job::Perturb { ticket, perturbation } => {
                Event::Perturbed { ticket, perturbed: self.perturb(&perturbation).await }
            }
            Job::Save(save) => Event::Saved(save.write(&self.gpu).await),
        }
    }

    async fn prepare(&mut self, method: Method, shape: SessionShape, audit: bool) -> Result<Session, String> {
        let explainer = self.explainer.as_mut().ok_or(NO_NETWORK)?;
        explainer.set_method(method);
        explainer.set_audit(audit);
        explainer.session(shape).await.map_err(|error| error.to_string())
    }

    async fn perturb(&mut self, perturbation: &Perturbation) -> Result<Perturbed, String> {
        let explainer = self.explainer.as_mut().ok_or(NO_NETWORK)?;
        self.perturber.perturb(explainer, perturbation).await.map_err(|error| error.to_string())
    }
}

async fn read(session: &Session) -> Result<Explained, String> {
    let explained = session.read().await.map_err(|error| error.to_string())?;
    explained.into_iter().next().ok_or_else(|| "the GPU gave no answer".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_waits_for_is_not_done() {
        let look = |name: &str| {
            let spec = InputSpec::torchvision(224, 224);
            Job::Look(Source::File(name.into()), spec)
        };
        let mut waiting = VecDeque::new();
        for job in [look("a.png"), Job::List("photos".into()), look("b.png"), Job::Open(Network::Embedded)] {
            add(&mut waiting, job);
        }
        let kinds: Vec<bool> = waiting.iter().map(|job| matches!(job, Job::Look(..))).collect();
        assert_eq!(kinds, [false, true, false], "the photo that was left again is not read");
    }
}
