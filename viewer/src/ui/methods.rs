//! Which methods explain.

use crate::app::Viewer;
use agf::Method;
use agf::methods::agf::Ablations;
use agf::methods::relevance::AddRule;
use eframe::egui::Ui;

/// The paper's ablations, with their names on the command line.
pub(crate) const ABLATIONS: [(&str, Ablations); 6] = {
    const NONE: Ablations = Ablations::NONE;
    [
        ("no_fx", Ablations { no_fx: true, ..NONE }),
        ("no_m", Ablations { no_m: true, ..NONE }),
        ("no_reg", Ablations { no_reg: true, ..NONE }),
        ("no_fdx", Ablations { no_fdx: true, ..NONE }),
        ("no_a", Ablations { no_a: true, ..NONE }),
        ("gradcam", Ablations { gradcam: true, ..NONE }),
    ]
};

/// Most methods at a time.
const MOST: usize = 13;

impl Viewer {
    pub(super) fn method_list(&mut self, ui: &mut Ui) {
        ui.heading("Methods");
        ui.label("Several give a grid.");
        let before = (self.methods.clone(), self.audit);
        for method in Method::ALL.iter().rev() {
            self.toggle(ui, method);
        }
        ui.collapsing("More", |ui| {
            for (_, ablations) in ABLATIONS {
                self.toggle(ui, &Method::Agf(ablations));
            }
            if let Ok(method) = Method::default().with_add_rule(AddRule::Magnitude) {
                self.toggle(ui, &method);
            }
            ui.checkbox(&mut self.audit, "figures of an audit");
        });
        if before != (self.methods.clone(), self.audit) {
            self.ask();
        }
    }

    /// One method's box; one method remains.
    fn toggle(&mut self, ui: &mut Ui, method: &Method) {
        let mut is_on = self.methods.contains(method);
        let clicked = ui.checkbox(&mut is_on, title(method)).on_hover_text(method.summary()).clicked();
        if clicked && is_on && self.methods.len() < MOST {
            self.methods.push(method.clone());
        } else if clicked && !is_on && self.methods.len() > 1 {
            self.methods.retain(|other| other != method);
        }
    }
}

/// What a method is called beside the others.
pub(super) fn title(method: &Method) -> String {
    match method {
        Method::Agf(ablations) => match ABLATIONS.iter().find(|(_, one)| one == ablations) {
            Some((name, _)) => format!("agf, {name}"),
            None => method.name().into(),
        },
        Method::Rules(_) => "agf, add rule: magnitude".into(),
        _ => method.name().into(),
    }
}
