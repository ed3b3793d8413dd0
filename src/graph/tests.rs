use super::*;

#[test]
fn sums_and_pools_of_clamped_values_are_not_negative() {
    let mut graph = Graph::new();
    let x = graph.input(Shape::new(2, 4, 4)).unwrap();
    let relu = graph.add("relu", Forward::Clamp(Activation::Relu), &[x]).unwrap();
    let pool = graph.add("pool", Forward::AveragePool { height: 2, width: 2 }, &[relu]).unwrap();
    let twice = graph.add("twice", Forward::Add, &[relu, relu]).unwrap();
    let mixed = graph.add("mixed", Forward::Add, &[relu, x]).unwrap();
    let difference = graph.add("difference", Forward::Subtract, &[relu, relu]).unwrap();
    let known = [x, relu, pool, twice, mixed, difference].map(|id| graph.is_non_negative(id));
    assert_eq!(known, [false, true, true, true, false, false]);
}

/// A batch normalisation, slopes and a linear layer, twice.
fn two_of_each() -> (Graph, [NodeId; 2]) {
    let mut graph = Graph::new();
    let x = graph.input(Shape::new(2, 4, 4)).unwrap();
    let ends = [0, 1].map(|index| {
        let x = graph.batch_norm(&format!("norm{index}"), 1e-5, x).unwrap();
        let x = graph.parametric_relu(&format!("slopes{index}"), x).unwrap();
        graph.linear(&format!("fc{index}"), 3, x).unwrap()
    });
    (graph, ends)
}

#[test]
fn the_part_up_to_a_node_has_the_layers_that_it_reads() {
    let (graph, [first, last]) = two_of_each();
    let names = |graph: &Graph| graph.parameters().into_iter().map(|parameter| parameter.name).collect::<Vec<_>>();
    let part = graph.up_to(first);
    let batch_norm = ["weight", "bias", "running_mean", "running_var"].map(|name| format!("norm0.{name}"));
    let expected = [&["fc0.weight".to_owned(), "fc0.bias".into()][..], &batch_norm, &["slopes0.weight".into()]];
    assert_eq!(names(&part), expected.concat());
    assert_eq!((part.nodes().len(), names(&graph.up_to(last))), (4, names(&graph)));
}

#[test]
fn graphs_and_roles_are_written_out() {
    let (graph, _) = two_of_each();
    let text = graph.to_string();
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["%0", "2x4x4", "input()", "input"]);
    assert_eq!(lines[6], ["%6", "3x1x1", "linear(%5)", "fc1"]);
    let choice: RoleChoice = "layer1.* = flat".parse().unwrap();
    assert_eq!(choice.to_string(), "layer1.*=flat");
}
