//! What `--help` says below the options.

pub(super) const EXAMPLES: &str = "\
Examples:
  agf-run explain panda_macaw.jpg --class \"giant panda\" --class macaw --save overlay,panel
  agf-run explain photos/ --class top:3 --save npy --out maps
  agf-run explain photo.jpg --model vgg19 --weights model.safetensors --size native
  agf-run predict photos/ --top 3
  agf-run eval deletion --data photos/ --methods agf,grad-cam
  agf-run plan --model resnet50 --size 448x448
  agf-run bench --model vgg19 --json
  agf-run tune
  agf-run devices

Data goes to standard output, everything else to standard error.
Exit codes: 0 all done, 1 a check failed (verify), 2 an error; \
where one of several inputs fails, the others are still done.

Help and errors are coloured on a terminal, unless the environment variable NO_COLOR is set.";

pub(super) const EXPLAIN_NOTES: &str = "\
Standard output has one line per map, with tabs between its columns: input, class number, class name, probability, \
the method where --method names another than agf alone, and the files written.

File names begin with that of the input, without its ending; a picture found in a folder keeps its path below that \
folder, so photos/a/x.jpg becomes DIR/a/x.388.overlay.png when the INPUT is photos/. With another method than agf, or \
several, it is named behind the class: x.388.grad-cam.overlay.png. The panel of several methods, x.panel.png, has a \
row per class and a column per method. Where two inputs would get the same name, the later one becomes x-2, x-3 and so \
on; so does one whose name belongs to another input of an earlier run. A .npy file may hold several inputs, so theirs \
carry an index: NAME.INDEX.CLASS.npy.

With html, DIR/report.html shows the run in a browser. Its pictures are in DIR/page, \
and inside the page itself unless they are more than 24 MiB.

DIR/report.json tells for each input its file names, sizes, top-5 classes, each map's numbers and the time it took, \
and for each failed input why. Files are written at once or not at all, so an interrupted run leaves no half ones. \
Ctrl-C ends the work after the run of the network at hand, with a report of what is done and how many inputs are not; \
pressed again it ends the work at once. --resume goes on later. Without it inputs are explained anew, and maps of \
other inputs in DIR stay as they are.

Examples:
  agf-run explain panda_macaw.jpg                                  what speaks for the best class
  agf-run explain panda_macaw.jpg --class top:2 --save panel       the two best, side by side
  agf-run explain panda_macaw.jpg --class 388 --class macaw --save npy
  agf-run explain photos/ --range 0.5 --save heatmap --out heat    comparable colours
  agf-run explain panda_macaw.jpg --class 388 --class macaw --method all   a panel of all methods
  agf-run explain photo.jpg --method smoothgrad --samples 100 --seed 7 --max-memory 500M
  agf-run explain photos/ --class top:2 --save html                one page for a browser
  agf-run explain photos/ --out maps --resume                      go on with an interrupted run
  agf-run explain inputs.npy --ablate no_m,no_a --json";

pub(super) const RULES_NOTES: &str = "\
The first [[rule]] that fits a node is its rule; a node without one is an error. A rule fits by its op (convolution, \
linear, batch-norm, activation, max-pool, average-pool, add, fan-out), a convolution's role (first, full, flat) and \
kernel, a pattern of the node's name (* and ?), and the depth = [FIRST, LAST] in layers with weights, from 1 at the \
picture or -1 at the logits. Without an op it fits every kind of node that it is defined for.

  apply = ...                                    what it does, and where
  box                                            convolution: within the range of its input's values
  alpha-beta (alpha), z-plus, epsilon (epsilon), gamma (gamma), flat, w-square, absolute, rap, full
                                                 convolution, linear
  fold                                           batch-norm: as a part of the convolution before it
  ratio                                          activation, max-pool, average-pool, add, fan-out: x J^T (c / f(x))
  magnitude                                      add: as |a| : |b|
  pass                                           batch-norm, activation; fan-out: the sum

start is logit, logit-contrast, softmax-contrast or probability; \
normalize = true divides the map by its largest relevance.

Examples:
  agf-run rules --method lrp > my.toml
  agf-run explain photo.jpg --rules my.toml";

pub(super) const BENCH_NOTES: &str = "\
All figures are medians of many runs, with their spread. Kernels and probes are timed by the GPU's own timestamps \
where it has them, otherwise by the wall clock around each step; whole networks by the wall clock, from picture to \
result in main memory. The FMA probe multiplies and adds in registers and the copy probe copies from memory to memory, \
in the same rounds as the kernels: they are the best that this machine gives at that time. Operations and bytes of a \
kernel are those of the plan: a kernel that gets by with fewer operations than a direct convolution shows effective \
GFLOP/s.

The start is that of `agf-run explain` for one class as a process of its own, first with empty shader \
caches, then again; the output says where a driver's cache cannot be emptied. Other programs that run at the \
same time make all figures worse.

--measure variants computes 24 passes of convolutions, 12 layers in both directions, by every kernel that there is for \
them, and says how far each result is from the default kernel's. --measure dispatches times a thousand dispatches that \
do next to nothing. Both leave the model aside.

Examples:
  agf-run bench                                     the built-in network
  agf-run bench --model resnet50 --json > r.json    made-up weights, for a script
  agf-run bench --batch 8 --no-start --seconds 10   a batch against single runs, with more repeats
  agf-run bench --measure variants --seconds 0.05   which kernel is the fastest for which layer";

pub(super) const TUNE_NOTES: &str = "\
Times every way to compute a dense convolution that the adapter and the wanted accuracy allow, in turn with the \
default one, and keeps the fastest where it is faster by more than the spread. Shapes of layers do not depend on \
weights, so a model's are made up where they are not built in. Other programs that run at the same time make the \
choices worse.

The choices are kept in the user's cache folder, beside those of earlier runs for other models and sizes. They belong \
to the adapter, its driver and this version of agf; every command uses them from then on unless it is told \
--no-tuning. They may change the last digits of a map. To forget them, remove the file that this command names.

Examples:
  agf-run tune                                      the built-in network
  agf-run tune --model resnet50 --model vgg19       several, with made-up weights
  agf-run tune --model resnet50 --size 448x448";
