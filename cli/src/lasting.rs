//! Work that outlives its device: where that is lost, another one is opened, and the work goes on.

use agf::evaluation::Evaluator;
use agf::gpu::{Gpu, GpuError};
use agf::{Error, Explainer};

use super::args::DeviceArguments;
use super::terminal::Terminal;

/// How often a run opens another device.
const MOST: u32 = 3;

/// The device of a run.
pub(super) struct Device {
    arguments: DeviceArguments,
    gpu: Gpu,
    /// How often it was lost and replaced.
    losses: u32,
    is_given_up: bool,
}

/// What works on a device and can move to another.
pub(super) trait Worker {
    /// Moves.
    ///
    /// # Errors
    /// [`Error`] where the new device fails.
    async fn move_to(&mut self, gpu: &Gpu) -> Result<(), Error>;
}

impl Worker for Explainer {
    async fn move_to(&mut self, gpu: &Gpu) -> Result<(), Error> {
        self.set_gpu(gpu);
        Ok(())
    }
}

impl Worker for Evaluator {
    async fn move_to(&mut self, gpu: &Gpu) -> Result<(), Error> {
        self.set_gpu(gpu).await
    }
}

/// A worker on a run's device.
pub(super) struct Lasting<'a, W> {
    device: &'a mut Device,
    worker: W,
}

impl Device {
    /// Opens the device that is asked for.
    ///
    /// # Errors
    /// [`GpuError`] where it cannot be had.
    pub(super) fn open(arguments: &DeviceArguments) -> Result<Self, GpuError> {
        Ok(Self { gpu: arguments.open()?, arguments: arguments.clone(), losses: 0, is_given_up: false })
    }

    /// The one that is in use.
    pub(super) fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// How often it was lost and replaced.
    pub(super) fn losses(&self) -> u32 {
        self.losses
    }

    /// A worker that was made on this device.
    pub(super) fn lasting<W>(&mut self, worker: W) -> Lasting<'_, W> {
        Lasting { device: self, worker }
    }

    /// Opens another device; `lost` is what became of this one, which stays where it was lost too often.
    fn replace(&mut self, lost: Error) -> Result<(), Error> {
        if self.losses == MOST {
            self.is_given_up = true;
            return Err(lost);
        }
        self.losses += 1;
        let count = self.losses;
        Terminal::plain()
            .warn(format_args!("the GPU was lost; going on with a new device ({count} of at most {MOST})"));
        self.gpu = self.arguments.open()?;
        Ok(())
    }
}

impl<W: Worker> Lasting<'_, W> {
    /// Lets the worker do something. Where the device is lost in the meantime, it does it again on another one.
    ///
    /// # Errors
    /// That of the work, which is a loss where it is met a second time, and [`Error`] where no other device can be had.
    pub(super) fn run<T>(&mut self, mut work: impl AsyncFnMut(&mut W) -> Result<T, Error>) -> Result<T, Error> {
        match pollster::block_on(work(&mut self.worker)) {
            Err(lost @ Error::Gpu(GpuError::Lost { .. })) => {
                self.device.replace(lost)?;
                pollster::block_on(self.worker.move_to(&self.device.gpu))?;
                pollster::block_on(work(&mut self.worker))
            }
            other => other,
        }
    }

    /// Whether the device was lost more often than others are opened.
    pub(super) fn is_given_up(&self) -> bool {
        self.device.is_given_up
    }

    /// What works, for its settings.
    pub(super) fn worker(&mut self) -> &mut W {
        &mut self.worker
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use agf::Batch;
    use agf::methods::Method;
    use agf::models::{Architecture, Model};
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        device: DeviceArguments,
    }

    fn device() -> Device {
        Device::open(&Line::try_parse_from(["x"]).unwrap().device).unwrap()
    }

    fn explainer(gpu: &Gpu) -> Explainer {
        Explainer::new(gpu, &Model::synthetic(Architecture::TinyVgg).unwrap(), Method::default())
    }

    fn predict(lasting: &mut Lasting<Explainer>) -> Result<Vec<Vec<f32>>, Error> {
        let batch = Batch::new(1, 32, 32, (0..3 * 32 * 32).map(|at| (at % 17) as f32 / 17.0).collect());
        lasting.run(async |explainer| Ok(explainer.predict(&batch).await?.0))
    }

    #[test]
    fn work_goes_on_on_three_more_devices() {
        let mut device = device();
        let explainer = explainer(device.gpu());
        let mut lasting = device.lasting(explainer);
        let expected = predict(&mut lasting).unwrap();
        for losses in 1..=MOST {
            lasting.device.gpu.device().destroy();
            assert_eq!(predict(&mut lasting).unwrap(), expected);
            assert_eq!((lasting.device.losses(), lasting.is_given_up()), (losses, false));
        }
        lasting.device.gpu.device().destroy();
        let ended = predict(&mut lasting);
        assert!(matches!(ended, Err(Error::Gpu(GpuError::Lost { .. }))), "{ended:?}");
        assert!(lasting.is_given_up());
    }

    /// Loses every device that it comes to.
    struct Doomed(Explainer);

    impl Worker for Doomed {
        async fn move_to(&mut self, gpu: &Gpu) -> Result<(), Error> {
            gpu.device().destroy();
            self.0.move_to(gpu).await
        }
    }

    #[test]
    fn work_that_loses_two_devices_is_not_tried_again() {
        let mut device = device();
        let mut doomed = Doomed(explainer(device.gpu()));
        pollster::block_on(doomed.move_to(device.gpu())).unwrap();
        let mut lasting = device.lasting(doomed);
        let batch = Batch::new(1, 32, 32, vec![0.5; 3 * 32 * 32]);
        let mut tries = 0;
        let ended = lasting.run(async |doomed| {
            tries += 1;
            doomed.0.predict(&batch).await
        });
        assert!(matches!(ended, Err(Error::Gpu(GpuError::Lost { .. }))), "{ended:?}");
        assert_eq!((tries, lasting.device.losses(), lasting.is_given_up()), (2, 1, false));
    }
}
