//! Rule files: presets read back from their own printing, and what is refused, with its line.

use agf::graph::{Constant, Role};
use agf::methods::agf::{Ablations, rules};
use agf::methods::relevance::{AddRule, Kind, Preset, Rule, RuleList, Selector, Start, Weighted};
use agf::methods::{Method, MethodError};
use agf::models::Architecture;

fn parse(text: &str) -> Result<RuleList, String> {
    RuleList::parse("my.toml", text).map_err(|error| error.to_string())
}

#[track_caller]
fn refused(text: &str, line: usize, why: &str) {
    let error = parse(text).unwrap_err();
    assert!(error.starts_with(&format!("my.toml, line {line}: ")) && error.contains(why), "{error}");
}

#[test]
fn presets_are_read_back_from_their_printing() {
    let mut lists: Vec<RuleList> = Preset::ALL.iter().map(|preset| preset.rules().unwrap()).collect();
    let changed = Ablations { no_m: true, no_fdx: true, gradcam: true, ..Ablations::NONE };
    lists.push(rules(changed).unwrap());
    lists.push(rules(Ablations::NONE).unwrap().with_add_rule(AddRule::Magnitude));
    for list in lists {
        let read = RuleList { name: list.name, ..parse(&list.to_string()).unwrap() };
        assert!(!list.to_string().contains("gradcam = false"), "what is not so is left out: {list}");
        assert_eq!(read, list, "{list}");
    }
}

/// A printed method makes the very graph that the method makes.
#[test]
fn printed_presets_are_the_method() {
    for architecture in [Architecture::TinyVgg, Architecture::TinyResNet] {
        let network = architecture.build(40, 48, 10).unwrap();
        for method in Method::ALL {
            let Some(list) = method.rules().unwrap() else { continue };
            let printed = Method::Rules(parse(&list.to_string()).unwrap());
            let [direct, printed] = [method, &printed].map(|method| method.explain(&network, 2).unwrap());
            assert_eq!(direct.graph.to_string(), printed.graph.to_string(), "{method}");
            assert_eq!(direct.maps[1].map, printed.maps[1].map, "{method}");
        }
    }
}

#[test]
fn a_gradient_goes_back_where_the_start_or_a_rule_asks_for_one() {
    let network = Architecture::TinyVgg.build(40, 48, 10).unwrap();
    let rule = |rule: &str| format!("[[rule]]\n{rule}\n");
    let others = rule("op = \"activation\"\napply = \"pass\"") + &rule("apply = \"ratio\"");
    for (start, of_weights, expected) in [
        ("logit", "apply = \"epsilon\"\nepsilon = 1e-6", false),
        ("logit", "apply = \"full\"", true),
        ("probability", "apply = \"epsilon\"\nepsilon = 1e-6", true),
        ("probability", "apply = \"full\"", true),
    ] {
        let list = parse(&format!("start = \"{start}\"\n{}{others}", rule(of_weights))).unwrap();
        let explained = Method::Rules(list).explain(&network, 1).unwrap().graph.to_string();
        assert_eq!(explained.contains("target:gradient"), expected, "{start}, {of_weights}: {explained}");
    }
}

#[test]
fn every_rule_and_selector_is_read() {
    let text = r#"
start = "softmax-contrast"
normalize = true
[[rule]]
op = "convolution"
role = "first"
apply = "box"
[[rule]]
name = "features.?.*"
kernel = 3
depth = [2, -2]
apply = "gamma"
gamma = 0.25
[[rule]]
op = "linear"
apply = "epsilon"
epsilon = 1e-6
[[rule]]
apply = "alpha-beta"
alpha = 1
"#;
    let list = parse(text).unwrap();
    assert_eq!((list.name, list.start, list.normalize), ("rules", Start::SoftmaxContrast, true));
    let (any, constant) = (Selector::default(), Constant::new);
    let expected = [
        (Selector { op: Some(Kind::Convolution), role: Some(Role::First), ..any.clone() }, Weighted::Box.into()),
        (
            Selector { name: Some("features.?.*".into()), kernel: Some(3), depth: Some([2, -2]), ..any.clone() },
            Weighted::Gamma { gamma: constant(0.25) }.into(),
        ),
        (Selector { op: Some(Kind::Linear), ..any.clone() }, Weighted::Epsilon { epsilon: constant(1e-6) }.into()),
        (any, Weighted::AlphaBeta { alpha: constant(1.0) }.into()),
    ];
    assert_eq!(list.rules, expected);
    for (name, rule) in [
        ("pass", Rule::Pass),
        ("fold", Rule::Fold),
        ("ratio", Rule::Ratio),
        ("magnitude", Rule::Magnitude),
        ("absolute", Weighted::Absolute.into()),
        ("z-plus", Weighted::ZPlus.into()),
        ("flat", Weighted::Flat.into()),
        ("w-square", Weighted::WSquare.into()),
        ("rap", Weighted::Rap.into()),
        ("full", Weighted::Full(Ablations::NONE).into()),
    ] {
        let list = parse(&format!("[[rule]]\napply = \"{name}\"")).unwrap();
        assert_eq!(list.rules, [(Selector::default(), rule)]);
    }
    for depth in [[2, 2], [-1, -1], [-3, 4], [1, -1]] {
        let list = parse(&format!("[[rule]]\ndepth = {depth:?}\napply = \"flat\"")).unwrap();
        assert_eq!(list.rules[0].0.depth, Some(depth));
    }
}

#[test]
fn faults_are_told_with_their_line() {
    refused("", 1, "no [[rule]]");
    refused("start = \"logit\"\nstrat = 1\n", 2, "unknown field `strat`");
    refused("start = \"logits\"\n", 1, "unknown variant `logits`");
    refused("[[rule]]\napply = \"pass\"\n\n[[rule]]\napply = \"lrp\"\n", 5, "unknown variant `lrp`");
    refused("[[rule]]\napply = \"pass\"\nalhpa = 2\n", 3, "unknown field `alhpa`");
    refused("[[rule]]\nop = \"conv\"\napply = \"pass\"\n", 2, "unknown variant `conv`");
    refused("[[rule]]\napply = \"pass\n", 2, "");
    let of_rule = [
        ("op = \"linear\"", "no 'apply'"),
        ("apply = \"alpha-beta\"", "needs 'alpha'"),
        ("apply = \"alpha-beta\"\nalpha = 0.5", "at least 1"),
        ("apply = \"alpha-beta\"\nalpha = inf", "finite"),
        ("apply = \"gamma\"\ngamma = nan", "finite"),
        ("apply = \"epsilon\"\nepsilon = 0", "above 0"),
        ("apply = \"epsilon\"\nepsilon = 1e-60", "above 0"),
        ("apply = \"z-plus\"\nalpha = 1", "has no 'alpha'"),
        ("apply = \"z-plus\"\ngradcam = true", "belong to the rule full"),
        ("op = \"max-pool\"\napply = \"box\"", "not for max-pool"),
        ("op = \"linear\"\napply = \"box\"", "it is for convolution"),
        ("op = \"linear\"\nrole = \"flat\"\napply = \"flat\"", "only convolutions"),
        ("kernel = 3\napply = \"ratio\"", "only convolutions"),
        ("depth = [3, 2]\napply = \"flat\"", "depths 3 to 2"),
        ("depth = [-1, -2]\napply = \"flat\"", "depths -1 to -2"),
        ("depth = [0, 2]\napply = \"flat\"", "depths 0 to 2"),
        ("depth = [1, 0]\napply = \"flat\"", "depths 1 to 0"),
    ];
    for (rule, why) in of_rule {
        refused(&format!("[[rule]]\napply = \"pass\"\n\n[[rule]]\n{rule}\n"), 4, why);
    }
}

/// The example of the documentation covers every family of networks.
#[test]
fn the_example_of_the_documentation() {
    let page = include_str!("../docs/methods.md");
    let (_, rest) = page.split_once("```toml\n").unwrap();
    let (text, _) = rest.split_once("```").unwrap();
    let list = parse(text).unwrap();
    for architecture in Architecture::ALL {
        let network = architecture.build(64, 64, architecture.default_classes()).unwrap();
        list.explain(&network, 1).unwrap_or_else(|error| panic!("{architecture}: {error}"));
    }
}

/// All nodes without a rule are named, each with its kind.
#[test]
fn nodes_without_a_rule_are_named() {
    let network = Architecture::TinyResNet.build(40, 48, 10).unwrap();
    let names = |text: &str| match parse(text).unwrap().explain(&network, 1) {
        Err(MethodError::NoRule { method: "rules", nodes }) => nodes,
        other => panic!("{:?}", other.map(|_| ())),
    };
    let all = names("[[rule]]\nname = \"none\"\napply = \"flat\"");
    let live = network.graph.nodes().len() - 1;
    let fan_outs = all.iter().filter(|name| name.ends_with("(fan-out)")).count();
    assert_eq!((all.len() - fan_outs, fan_outs), (live, 4));
    let rest = "[[rule]]\nop = \"batch-norm\"\napply = \"fold\"\n[[rule]]\napply = \"ratio\"\n";
    let layers = names(&format!("[[rule]]\ndepth = [2, -2]\napply = \"flat\"\n{rest}"));
    assert_eq!(layers, ["'conv1' (convolve)", "'fc' (linear)"]);
}

/// Patterns, depths and kernel sizes choose the nodes that they say.
#[test]
fn selectors_choose() {
    let network = Architecture::TinyVgg.build(40, 48, 10).unwrap();
    let without = |selector: &str| {
        let text = format!("[[rule]]\n{selector}\napply = \"z-plus\"\n[[rule]]\napply = \"ratio\"\n");
        match parse(&text).unwrap().explain(&network, 1) {
            Err(MethodError::NoRule { nodes, .. }) => nodes.join(" "),
            other => panic!("{:?}", other.map(|_| ())),
        }
    };
    let linears = "'classifier.0' (linear) 'classifier.3' (linear)";
    assert_eq!(without("op = \"convolution\""), linears);
    assert_eq!(without("kernel = 3"), linears);
    assert_eq!(without("name = \"features.*\""), linears);
    assert_eq!(without("depth = [1, 3]"), linears);
    assert_eq!(without("depth = [-5, -3]"), linears);
    assert_eq!(without("name = \"*.?\"\nop = \"linear\"").matches("convolve").count(), 3);
    assert_eq!(without("role = \"full\""), format!("'features.0' (convolve) {linears}"));
}
