//! A network's graph for one size and method, with the plans that were made to find out how many pictures fit.

use crate::error::Error;
use crate::methods::Method;
use crate::models::Model;
use crate::plan::{Plan, PlanError, Profile, Sharing};
use crate::session::SessionShape;
use crate::wiring::Wiring;
use std::sync::Arc;

/// What a graph is made for.
#[derive(PartialEq)]
pub(super) struct Purpose {
    /// `None` for the forward pass alone.
    method: Option<Method>,
    audit: bool,
    /// Sizes, for one picture at a time.
    one: SessionShape,
}

impl Purpose {
    pub(super) fn new(method: &Method, audit: bool, shape: SessionShape) -> Self {
        let explains = shape.slots > 0;
        let method = explains.then(|| method.clone());
        Self { method, audit: audit && explains, one: SessionShape { count: 1, ..shape } }
    }
}

/// A graph with what it was made for.
pub(super) struct Wired {
    purpose: Purpose,
    wiring: Arc<Wiring>,
    profile: Profile,
    largest: u32,
    /// Plans that no session has taken yet.
    plans: Vec<Plan>,
}

impl Wired {
    pub(super) fn new(
        model: &Model,
        method: &Method,
        purpose: Purpose,
        profile: Profile,
        max_bytes: Option<u64>,
    ) -> Result<Self, Error> {
        let network = model.build(purpose.one.height, purpose.one.width)?;
        let wiring = Arc::new(Wiring::new(&network, method, purpose.one.wanted(purpose.audit))?);
        let (largest, plans) = match max_bytes {
            None => (wiring.largest_batch(&profile), Vec::new()),
            Some(limit) => wiring.largest_batch_within(&profile, limit)?,
        };
        Ok(Self { purpose, wiring, profile, largest, plans })
    }

    pub(super) fn purpose(&self) -> &Purpose {
        &self.purpose
    }

    pub(super) fn wiring(&self) -> &Arc<Wiring> {
        &self.wiring
    }

    /// Most pictures at a time.
    pub(super) fn largest(&self) -> u32 {
        self.largest
    }

    /// The plan for so many pictures: one that is there, which is given away, or a new one.
    pub(super) fn take_plan(&mut self, count: u32) -> Result<Plan, PlanError> {
        match self.plans.iter().position(|plan| plan.batch == count) {
            Some(position) => Ok(self.plans.swap_remove(position)),
            None => self.wiring.plan(count, &self.profile, Sharing::Shared),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Architecture;

    /// What finding the largest batch planned is what its sessions run.
    #[test]
    fn no_plan_is_made_twice() {
        let model = Model::synthetic(Architecture::TinyVgg).unwrap();
        let shape = SessionShape { count: 3, height: 32, width: 32, slots: 1 };
        let method = Method::default();
        let wired = |max_bytes| {
            let purpose = Purpose::new(&method, false, shape);
            Wired::new(&model, &method, purpose, Profile::SOFTWARE, max_bytes).unwrap()
        };
        assert!(wired(None).plans.is_empty(), "without a limit nothing is planned in advance");
        let (one, three) = (wired(None).take_plan(1).unwrap(), wired(None).take_plan(3).unwrap());
        let mut limited = wired(Some(3 * one.value_bytes() + one.weight_bytes));
        assert_eq!(limited.largest(), 3);
        let made: Vec<u32> = limited.plans.iter().map(|plan| plan.batch).collect();
        assert_eq!(made, [1, 3]);
        assert_eq!(limited.take_plan(3).unwrap().to_string(), three.to_string());
        assert_eq!(limited.take_plan(1).unwrap().batch, 1);
        assert!(limited.plans.is_empty(), "both were given away");
        assert_eq!(limited.take_plan(2).unwrap().batch, 2);
    }
}
