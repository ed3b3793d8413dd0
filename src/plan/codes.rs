//! Numbers by which uniforms and overridable constants name what a kernel does. The shaders have constants of these
//! names and values.

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $value:literal;)*) => {
        $($(#[$doc])* pub const $name: u32 = $value;)*

        /// Every name with its value.
        pub const ALL: &[(&str, u32)] = &[$((stringify!($name), $value),)*];
    };
}

codes! {
    /// A value itself.
    PART_FULL = 0;
    /// Its magnitude.
    PART_ABSOLUTE = 1;
    /// The value where it is positive, else 0.
    PART_POSITIVE = 2;
    /// The value where it is negative, else 0.
    PART_NEGATIVE = 3;

    /// A sum is stored as it is.
    EPILOGUE_NONE = 0;
    /// `clamp(sum * scale + shift)`
    EPILOGUE_AFFINE = 1;
    /// `div(operand, sum [operand != 0])`
    EPILOGUE_RATIO = 2;
    /// `sum * |operand|`
    EPILOGUE_TIMES_ABSOLUTE = 3;

    /// `a + b`
    BINARY_ADD = 0;
    /// `a * b`
    BINARY_MULTIPLY = 1;
    /// `a * |b|`
    BINARY_MULTIPLY_ABSOLUTE = 2;
    /// `div(a, b)`
    BINARY_SAFE_DIVIDE = 3;
    /// `div(a, b [a != 0])`
    BINARY_RATIO = 4;
    /// `a [b != 0]`
    BINARY_MASK = 5;
    /// `|a| + |b|`
    BINARY_ADD_ABSOLUTE = 6;
    /// `a - b`
    BINARY_SUBTRACT = 7;
    /// `a / b`, and 0 where `b` is 0.
    BINARY_DIVIDE = 8;
    /// Zeros, of neither operand.
    BINARY_ZERO = 9;

    /// The second operand has the first one's shape.
    OPERAND_LIKE = 0;
    /// It is one value per channel.
    OPERAND_PER_CHANNEL = 1;
    /// It is one value per sample.
    OPERAND_SCALAR = 2;
    /// There is none.
    OPERAND_NONE = 3;

    /// An activation's value.
    CLAMP_VALUE = 0;
    /// The gradient at its input.
    CLAMP_GRADIENT = 1;
    /// The relevance at its input.
    CLAMP_RELEVANCE = 2;

    /// Leaky ReLU.
    FUNCTION_LEAKY_RELU = 0;
    /// ELU.
    FUNCTION_ELU = 1;
    /// SELU.
    FUNCTION_SELU = 2;
    /// SiLU.
    FUNCTION_SILU = 3;
    /// Hard swish.
    FUNCTION_HARD_SWISH = 4;
    /// Sigmoid.
    FUNCTION_SIGMOID = 5;
    /// Hard sigmoid.
    FUNCTION_HARD_SIGMOID = 6;
    /// Hyperbolic tangent.
    FUNCTION_TANH = 7;
    /// GELU.
    FUNCTION_GELU = 8;
    /// GELU by hyperbolic tangent.
    FUNCTION_GELU_TANH = 9;
    /// Mish.
    FUNCTION_MISH = 10;
    /// Softplus.
    FUNCTION_SOFTPLUS = 11;
    /// Clip to two bounds.
    FUNCTION_CLIP = 12;
    /// CELU.
    FUNCTION_CELU = 13;
    /// The error function.
    FUNCTION_ERF = 14;

    /// A constant times the value.
    UNARY_SCALE = 0;
    /// The value and a constant of its sign.
    UNARY_STABILIZE = 1;

    /// Per channel `v * scale`.
    AFFINE_SCALE = 0;
    /// Per channel `v * scale + shift`.
    AFFINE_SCALE_AND_SHIFT = 1;
    /// Per channel `v * shift`.
    AFFINE_SHIFT = 2;

    /// Largest value.
    REDUCE_MAXIMUM = 0;
    /// Smallest value.
    REDUCE_MINIMUM = 1;
    /// Sum.
    REDUCE_SUM = 2;
    /// Number of elements that are not zero.
    REDUCE_COUNT_NON_ZERO = 3;
    /// Largest magnitude.
    REDUCE_MAXIMUM_ABSOLUTE = 4;
    /// Smallest magnitude.
    REDUCE_MINIMUM_ABSOLUTE = 5;
    /// Sum of magnitudes.
    REDUCE_SUM_ABSOLUTE = 6;

    /// `y_t` at the target.
    LOGIT_TARGET = 0;
    /// `y_t / (K - 1)` at every other class.
    LOGIT_OTHERS = 1;
    /// `p_t (1 - p_t)` at the target.
    LOGIT_SOFTMAX_TARGET = 2;
    /// `p_t p_k` at every other class.
    LOGIT_SOFTMAX_OTHERS = 3;

    /// The lowest values of a copy are replaced.
    COPY_LOWEST = 1;
    /// The highest values of a copy are replaced.
    COPY_HIGHEST = 2;
    /// All but the highest values of a copy are replaced.
    COPY_ALL_BUT_HIGHEST = 3;
}
