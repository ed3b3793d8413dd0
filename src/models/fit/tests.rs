//! Files as they are found, made from shapes alone.

use super::*;
use crate::graph::parameter::Parameter;
use crate::models::{Architecture, Recipe};

/// Names and shapes of a file.
type File = BTreeMap<String, Vec<usize>>;

fn recipe(architecture: Architecture) -> Recipe {
    architecture.recipe(architecture.default_classes()).unwrap()
}

/// The tensors of a network with `classes` classes; `rename` is given the recipe's names.
fn file(architecture: Architecture, classes: u32, rename: impl Fn(&str) -> String) -> File {
    let recipe = architecture.recipe(classes).unwrap();
    recipe.parameters().iter().map(|parameter| (rename(&parameter.name), parameter.shape.clone())).collect()
}

fn shapes(file: &File) -> Shapes<'_> {
    file.iter().map(|(name, shape)| (name.as_str(), shape.as_slice())).collect()
}

fn fit(architecture: Architecture, file: &File) -> Result<Fit, WeightsError> {
    find(&shapes(file), &recipe(architecture).wanted(), "x")
}

/// Asserts that each parameter is the tensor that `rename` names, with `classes` outputs, and gives the notes.
fn assert_fits(architecture: Architecture, classes: u32, file: &File, rename: impl Fn(&str) -> String) -> Vec<String> {
    let Fit { names, parameters, outputs, is_headless, notes } = fit(architecture, file).unwrap();
    assert!(!is_headless);
    let recipe = architecture.recipe(classes).unwrap();
    assert_eq!(parameters, recipe.parameters());
    assert_eq!(outputs, Some(classes as usize));
    let expected: Vec<String> = recipe.parameters().iter().map(|parameter| rename(&parameter.name)).collect();
    assert_eq!(names, expected);
    notes
}

/// Another name for the last layer.
fn with_head(name: &str, head: &str) -> String {
    name.strip_prefix("fc.").map_or_else(|| name.into(), |tensor| format!("{head}.{tensor}"))
}

#[test]
fn the_recipes_own_names_need_no_word() {
    for architecture in Architecture::ALL {
        let plain = |name: &str| name.to_owned();
        assert!(assert_fits(architecture, 7, &file(architecture, 7, plain), plain).is_empty(), "{architecture}");
    }
}

#[test]
fn any_prefix_that_all_of_the_network_has() {
    for prefix in
        ["module.", "model.", "encoder.", "backbone.", "resnet.", "student.", "model_ema.", "module.model.net.", "a.0."]
    {
        for architecture in [Architecture::TinyResNet, Architecture::TinyVgg, Architecture::EfficientNetLite0] {
            let prefixed = |name: &str| format!("{prefix}{name}");
            let mut file = file(architecture, 10, prefixed);
            file.insert(prefixed("bn1.num_batches_tracked"), vec![]);
            let notes = assert_fits(architecture, 10, &file, prefixed);
            assert_eq!(notes, [format!("names begin with '{prefix}'")]);
        }
    }
}

#[test]
fn any_name_of_the_last_layer_and_any_number_of_classes() {
    let heads = ["fc.0", "fc.1", "head", "classifier", "head.fc", "classifier.1", "linear", "a.b.c"];
    for (head, prefix) in heads.iter().flat_map(|head| ["", "backbone."].map(|prefix| (head, prefix))) {
        let inside = |name: &str| format!("{prefix}{}", with_head(name, head));
        let outside = |name: &str| match with_head(name, head) {
            renamed if renamed == name => format!("{prefix}{name}"),
            head => head,
        };
        let rename: [&dyn Fn(&str) -> String; 2] = [&inside, &outside];
        for rename in rename {
            let notes = assert_fits(Architecture::TinyResNet, 3, &file(Architecture::TinyResNet, 3, rename), rename);
            let layer = rename("fc.weight");
            let layer = layer.strip_suffix(".weight").unwrap();
            assert_eq!(notes.last().unwrap(), &format!("the last layer, fc, is '{layer}'"));
        }
    }
}

#[test]
fn a_last_layer_that_is_a_convolution() {
    let plain = |name: &str| name.to_owned();
    let mut file = file(Architecture::TinyResNet, 3, plain);
    let features = file["fc.weight"][1];
    file.insert("fc.weight".into(), vec![3, features, 1, 1]);
    assert_fits(Architecture::TinyResNet, 3, &file, plain);
}

#[test]
fn a_few_foreign_tensors_are_left_out_and_named() {
    let plain = |name: &str| name.to_owned();
    for foreign in ["extra.weight", "mean", "criterion.weight"] {
        let mut file = file(Architecture::TinyResNet, 10, plain);
        file.insert(foreign.into(), vec![3]);
        let notes = assert_fits(Architecture::TinyResNet, 10, &file, plain);
        assert_eq!(notes, [format!("left out, as the network has no such layer: {foreign}")]);
    }
}

#[test]
fn foreign_tensors_among_the_networks_layers_are_another_network() {
    let others = ["layer1.0.attention.weight", "layer2.2.conv1.weight", "fc.norm.weight", "conv1.bias"];
    for foreign in others {
        let mut file = file(Architecture::TinyResNet, 10, str::to_owned);
        file.insert(foreign.into(), vec![3]);
        let error = fit(Architecture::TinyResNet, &file).unwrap_err();
        assert!(matches!(&error, WeightsError::Mismatch { unexpected, .. } if *unexpected == [foreign]), "{error}");
    }
    let mut file = file(Architecture::TinyResNet, 10, str::to_owned);
    file.extend((0..=MOST_FOREIGN).map(|index| (format!("other{index}.weight"), vec![3])));
    assert!(matches!(fit(Architecture::TinyResNet, &file), Err(WeightsError::Mismatch { .. })));
    let deeper = super::tests::file(Architecture::ResNet34, 1000, str::to_owned);
    assert!(matches!(fit(Architecture::ResNet18, &deeper), Err(WeightsError::Mismatch { .. })));
}

#[test]
fn several_networks_or_last_layers_are_all_named() {
    let mut twice = file(Architecture::TinyResNet, 10, |name| format!("first.{name}"));
    twice.extend(file(Architecture::TinyResNet, 10, |name| format!("second.{name}")));
    let mut heads = file(Architecture::TinyResNet, 10, |name| with_head(name, "head"));
    heads.extend([("aux.weight".into(), heads["head.weight"].clone()), ("aux.bias".into(), vec![10])]);
    for (file, what, named) in
        [(twice, "the network", ["'first.'", "'second.'"]), (heads, "the last layer", ["aux", "head"])]
    {
        let error = fit(Architecture::TinyResNet, &file).unwrap_err();
        let message = error.to_string();
        assert!(matches!(error, WeightsError::Ambiguous { .. }), "{message}");
        assert!(message.contains(what) && named.iter().all(|name| message.contains(name)), "{message}");
    }
    let mut own = file(Architecture::TinyResNet, 10, str::to_owned);
    own.extend([("aux.weight".into(), own["fc.weight"].clone()), ("aux.bias".into(), vec![10])]);
    let notes = assert_fits(Architecture::TinyResNet, 10, &own, str::to_owned);
    assert_eq!(notes, ["left out, as the network has no such layer: aux.bias, aux.weight"]);
}

#[test]
fn one_of_several_networks_or_last_layers_is_chosen_by_leaving_out_the_others() {
    let mut twice = file(Architecture::TinyResNet, 10, |name| format!("student.{name}"));
    twice.extend(file(Architecture::TinyResNet, 7, |name| format!("teacher.{name}")));
    for (skipped, kept, classes) in [("student.*", "teacher", 7), ("teacher.*", "student", 10)] {
        let shapes = without(shapes(&twice), &[skipped.into()], "x").unwrap();
        let fit = find(&shapes, &recipe(Architecture::TinyResNet).wanted(), "x").unwrap();
        assert_eq!((fit.outputs, &fit.notes[..]), (Some(classes), &[format!("names begin with '{kept}.'")][..]));
    }
    let mut heads = file(Architecture::TinyResNet, 10, |name| with_head(name, "head"));
    heads.extend([("aux.weight".into(), heads["head.weight"].clone()), ("aux.bias".into(), vec![10])]);
    let shapes = without(shapes(&heads), &["aux.weight".into(), "aux.b?as".into()], "x").unwrap();
    find(&shapes, &recipe(Architecture::TinyResNet).wanted(), "x").unwrap();
    let error = without(shapes, &["aux.*".into()], "x").unwrap_err().to_string();
    assert!(["'aux.*'", "head", "layer1"].iter().all(|word| error.contains(word)), "{error}");
}

#[test]
fn a_body_without_a_last_layer() {
    let mut file = file(Architecture::TinyResNet, 10, |name| format!("encoder.{name}"));
    file.retain(|name, _| !name.contains(".fc."));
    file.insert("classifier.weight".into(), vec![128, 5]);
    let error = fit(Architecture::TinyResNet, &file).unwrap_err();
    let features =
        recipe(Architecture::TinyResNet).parameters().iter().find(|p| p.name == "fc.weight").unwrap().shape[1];
    assert!(
        matches!(&error, WeightsError::NoHead { layer, inputs, .. } if layer == "encoder.fc" && *inputs == features)
    );
    assert!(error.to_string().contains(&format!("(classes, {features})")), "{error}");
}

/// Names and shapes.
type Tensors<'a> = &'a [(&'a str, &'a [usize])];

/// The body under a prefix, and the tensors of heads and copies with their shapes.
fn trained(prefix: &str, rest: Tensors) -> File {
    let mut file = file(Architecture::TinyResNet, 10, |name| format!("{prefix}{name}"));
    file.retain(|name, _| !name.starts_with(&format!("{prefix}fc.")));
    file.extend(rest.iter().map(|(name, shape)| ((*name).to_owned(), shape.to_vec())));
    file
}

#[test]
fn files_of_self_supervised_training() {
    const F: usize = 24;
    let moco: Tensors = &[
        ("module.encoder_q.fc.0.weight", &[F, F]),
        ("module.encoder_q.fc.0.bias", &[F]),
        ("module.encoder_q.fc.2.weight", &[128, F]),
        ("module.encoder_q.fc.2.bias", &[128]),
        ("module.queue", &[128, 99]),
        ("module.queue_ptr", &[1]),
    ];
    let cases: [(&str, Tensors, &[&str]); 9] = [
        ("module.encoder_q.", moco, &["module.encoder_q.fc (4 tensors)", "module.queue", "module.queue_ptr"]),
        (
            "module.encoder_q.",
            &[("module.encoder_q.fc.weight", &[128, F]), ("module.encoder_q.fc.bias", &[128])],
            &["module.encoder_q.fc (2 tensors)"],
        ),
        (
            "backbone.",
            &[("backbone.fc.0.weight", &[F, F]), ("backbone.fc.2.weight", &[64, F])],
            &["backbone.fc (2 tensors)"],
        ),
        (
            "module.",
            &[("module.projection_head.0.weight", &[F, F]), ("module.prototypes.weight", &[30, 128])],
            &["module.projection_head", "module.prototypes"],
        ),
        ("", &[], &[]),
        (
            "backbone.",
            &[("projector.0.weight", &[90, F]), ("projector.3.weight", &[90, 90])],
            &["projector (2 tensors)"],
        ),
        (
            "module.encoder.",
            &[
                ("module.encoder.fc.0.weight", &[F, F]),
                ("module.encoder.fc.3.weight", &[F, F]),
                ("module.predictor.0.weight", &[9, F]),
            ],
            &["module.encoder.fc (2 tensors)", "module.predictor"],
        ),
        (
            "teacher.backbone.",
            &[("teacher.head.mlp.0.weight", &[F, F]), ("teacher.head.last_layer.weight_g", &[99, 1])],
            &["teacher.head (2 tensors)"],
        ),
        ("online_network.", &[("online_network.projetion.net.0.weight", &[90, F])], &["online_network.projetion"]),
    ];
    for (prefix, rest, left_out) in cases {
        let Fit { names, parameters, outputs, is_headless, notes } =
            fit(Architecture::TinyResNet, &trained(prefix, rest)).unwrap_or_else(|error| panic!("{prefix}: {error}"));
        assert!(is_headless && outputs.is_none(), "{prefix}");
        let body = recipe(Architecture::TinyResNet);
        let body: Vec<&Parameter> = body.parameters().iter().filter(|p| !p.name.starts_with("fc.")).collect();
        assert_eq!(parameters.iter().collect::<Vec<_>>(), body);
        assert!(names.iter().all(|name| name.starts_with(prefix)), "{names:?}");
        assert_eq!(notes.iter().any(|note| note.contains("only training needs it")), !left_out.is_empty(), "{notes:?}");
        assert!(left_out.iter().all(|module| notes.iter().any(|note| note.contains(module))), "{notes:?}");
        assert!(notes.last().unwrap().contains("there is no last layer"), "{notes:?}");
    }
}

#[test]
fn of_two_copies_the_one_that_is_trained_or_kept_is_taken() {
    for [taken, other] in
        [["module.encoder_q.", "module.encoder_k."], ["teacher.backbone.", "student.module.backbone."]]
    {
        let mut both = trained(taken, &[]);
        both.extend(trained(other, &[]));
        let Fit { names, notes, .. } = fit(Architecture::TinyResNet, &both).unwrap();
        assert!(names.iter().all(|name| name.starts_with(taken)), "{taken}");
        assert!(notes.iter().any(|note| note.contains("only training needs it")), "{notes:?}");
    }
}

#[test]
fn timms_vgg() {
    let timm = |name: &str| {
        let pairs =
            [("classifier.0.", "pre_logits.fc1."), ("classifier.3.", "pre_logits.fc2."), ("classifier.6.", "head.fc.")];
        pairs.iter().fold(name.to_owned(), |name, (ours, theirs)| name.replace(ours, theirs))
    };
    let mut file = file(Architecture::Vgg11, 1000, timm);
    file.insert("pre_logits.fc1.weight".into(), vec![4096, 512, 7, 7]);
    file.insert("pre_logits.fc2.weight".into(), vec![4096, 4096, 1, 1]);
    assert_eq!(assert_fits(Architecture::Vgg11, 1000, &file, timm), ["layers have timm's names"]);
}

#[test]
fn timms_efficientnet_lite() {
    let recipe = recipe(Architecture::EfficientNetLite0);
    let naming = &recipe.wanted().namings[0];
    for (ours, timms) in [
        ("_conv_stem", "conv_stem"),
        ("_bn0", "bn1"),
        ("_blocks.0._depthwise_conv", "blocks.0.0.conv_dw"),
        ("_blocks.0._bn1", "blocks.0.0.bn1"),
        ("_blocks.0._project_conv", "blocks.0.0.conv_pw"),
        ("_blocks.0._bn2", "blocks.0.0.bn2"),
        ("_blocks.2._expand_conv", "blocks.1.1.conv_pw"),
        ("_blocks.2._bn0", "blocks.1.1.bn1"),
        ("_blocks.2._depthwise_conv", "blocks.1.1.conv_dw"),
        ("_blocks.2._bn1", "blocks.1.1.bn2"),
        ("_blocks.2._project_conv", "blocks.1.1.conv_pwl"),
        ("_blocks.2._bn2", "blocks.1.1.bn3"),
        ("_blocks.8._expand_conv", "blocks.4.0.conv_pw"),
        ("_blocks.15._project_conv", "blocks.6.0.conv_pwl"),
        ("_conv_head", "conv_head"),
        ("_bn1", "bn2"),
        ("_fc", "classifier"),
    ] {
        assert_eq!(naming.layer(ours), timms);
    }
    let timm = |name: &str| {
        let (layer, tensor) = name.rsplit_once('.').unwrap();
        format!("model.{}.{tensor}", naming.layer(layer))
    };
    let notes =
        assert_fits(Architecture::EfficientNetLite0, 37, &file(Architecture::EfficientNetLite0, 37, timm), timm);
    assert_eq!(notes[..2], ["layers have timm's names", "names begin with 'model.'"]);
    assert!(notes[2].contains("tf_efficientnet_lite0"), "{notes:?}");
}

#[test]
fn timms_mobilenet_v2() {
    let recipe = recipe(Architecture::MobileNetV2);
    let naming = &recipe.wanted().namings[0];
    for (ours, timms) in [
        ("features.0.0", "conv_stem"),
        ("features.1.conv.0.0", "blocks.0.0.conv_dw"),
        ("features.1.conv.0.1", "blocks.0.0.bn1"),
        ("features.1.conv.1", "blocks.0.0.conv_pw"),
        ("features.1.conv.2", "blocks.0.0.bn2"),
        ("features.3.conv.0.0", "blocks.1.1.conv_pw"),
        ("features.3.conv.1.0", "blocks.1.1.conv_dw"),
        ("features.3.conv.2", "blocks.1.1.conv_pwl"),
        ("features.17.conv.3", "blocks.6.0.bn3"),
        ("features.18.1", "bn2"),
        ("classifier.1", "classifier"),
    ] {
        assert_eq!(naming.layer(ours), timms);
    }
}

#[test]
fn densenet_as_it_was_first_published() {
    let rename = |name: &str| {
        let numbered = |name: String, (ours, theirs): (&str, &str)| name.replace(ours, theirs);
        if !name.contains(".denselayer") {
            return name.to_owned();
        }
        let pairs =
            [(".norm1.", ".norm.1."), (".norm2.", ".norm.2."), (".conv1.", ".conv.1."), (".conv2.", ".conv.2.")];
        pairs.into_iter().fold(name.to_owned(), numbered)
    };
    let notes = assert_fits(Architecture::DenseNet121, 1000, &file(Architecture::DenseNet121, 1000, rename), rename);
    assert_eq!(notes, ["layers have an early torchvision's names"]);
}

/// SqueezeNet's last layer is a convolution.
#[test]
fn a_convolution_as_the_last_layer_has_any_name() {
    let rename = |name: &str| name.replace("classifier.1.", "head.");
    let notes = assert_fits(Architecture::SqueezeNet1_1, 3, &file(Architecture::SqueezeNet1_1, 3, rename), rename);
    assert_eq!(notes, ["the last layer, classifier.1, is 'head'"]);
}

#[test]
fn a_resnet_as_a_row_of_modules() {
    let row = |name: &str| {
        let pairs = [
            ("conv1.", "0."),
            ("bn1.", "1."),
            ("layer1.", "4."),
            ("layer4.", "7."),
            ("layer2.", "5."),
            ("layer3.", "6."),
        ];
        let part = pairs.iter().find(|(ours, _)| name.starts_with(ours));
        part.map_or_else(|| name.to_owned(), |(ours, theirs)| format!("encoder.{theirs}{}", &name[ours.len()..]))
    };
    let file = file(Architecture::ResNet18, 9, row);
    let notes = assert_fits(Architecture::ResNet18, 9, &file, row);
    assert_eq!(notes.len(), 3, "{notes:?}");
}

#[test]
fn the_network_that_a_file_fits_best_is_named() {
    for architecture in Architecture::ALL {
        let file = file(architecture, 5, |name| format!("model.{name}"));
        let found = closest(&shapes(&file)).unwrap().unwrap();
        assert_eq!((found.network, found.found), (architecture.name(), found.needed), "{found}");
    }
    let strange = BTreeMap::from([("a.weight".to_owned(), vec![2, 2]), ("conv1.weight".to_owned(), vec![64, 3, 7, 7])]);
    assert_eq!(closest(&shapes(&strange)).unwrap(), None);
}
