// Whether a pass has anything to do: always where u.gate is 0, otherwise if one of so many values of `operand` is not
// zero.
fn gate_is_open() -> bool {
    var open = u.gate == 0u;
    for (var i = 0u; i < u.gate; i++) { open = open || unpack(operand[i]).x != 0.0; }
    return open;
}
