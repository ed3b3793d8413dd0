#!/usr/bin/env bash
# What is worth knowing of agf on a graphics card: whether it computes right, how fast, and against what. From a
# prebuilt agf-run, in under seven minutes. Needs bash, Python 3 without packages, and the repository's files; where
# there is PyTorch with CUDA, that is timed beside it.
#
#   tools/gpu.sh [--program AGF-RUN] [--out FOLDER] [--name NAME] [--seconds N] [--authors CHECKOUT] [--small]
#
# Every part has a time limit of its own and writes its output to the folder as it comes; one that fails does not stop
# the rest. The end is FOLDER/NAME.md, for benches/gpu/. --authors names a checkout of the method authors' repository,
# to be timed as well. --small is for trying the script where there is no card: small networks and sizes, every part.
# Exits with 1 where a part failed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

say() { printf 'gpu: %s\n' "$*" >&2; }
die() { say "$@"; exit 2; }

program=target/release/agf-run
out=out/gpu
name=
authors=
total=400
small=
patience=1
while (($#)); do
    case $1 in
        --program) program=$2; shift 2 ;;
        --out) out=$2; shift 2 ;;
        --name) name=$2; shift 2 ;;
        --seconds) total=$2; shift 2 ;;
        --authors) authors=$2; shift 2 ;;
        --small) small=1; shift ;;
        *) die "unknown option $1; there are --program, --out, --name, --seconds, --authors and --small" ;;
    esac
done
[[ -x $program ]] || die "no program at $program: build it with cargo build --release, or say --program"
command -v python3 >/dev/null || die "python3 is needed"
mkdir -p "$out" || die "cannot make $out"
program=$(cd "$(dirname "$program")" && pwd)/$(basename "$program")
out=$(cd "$out" && pwd)
: >"$out/parts.tsv"

# Neither what the user has tuned before nor kept pipelines are used, and nothing is left behind.
caches=$(mktemp -d)
trap 'rm -rf "$caches"' EXIT
export XDG_CACHE_HOME=$caches

if [[ -n $small ]]; then
    networks=(tiny_vgg)
    families=(tiny_resnet)
    whole=(tiny_vgg)
    sizes=(--size 32x40)
    batches=(2)
    tiles=(4)
    seconds=0.01
    variants=(--repeats 1 --size 4x4)
    # Software drivers are slow, and tests run beside others.
    total=$((4 * total))
    patience=4
else
    networks=(efficientnet_lite0 resnet50 vgg19 resnext50_32x4d)
    families=(efficientnet_lite0 vgg11 vgg11_bn resnet18 resnet50)
    whole=(tiny_vgg tiny_resnet efficientnet_lite0)
    sizes=()
    batches=(8 32)
    tiles=(0 4)
    seconds=0.4
    variants=(--seconds 0.03 --winograd 4)
fi

# Runs a command for so many seconds at most.
limited() {
    if command -v timeout >/dev/null; then
        timeout --kill-after=5 "$@"
    else
        perl -e 'alarm shift; exec @ARGV or exit 127' "$@"
    fi
}

# NAME SECONDS COMMAND...: a part, whose output is NAME.out and NAME.err in the folder.
part() {
    local name=$1 limit=$(($2 * patience)) begin=$SECONDS status
    shift 2
    ((limit > total - SECONDS)) && limit=$((total - SECONDS))
    if ((limit < 2)); then
        printf '%s\tnot run, no time left\t0\n' "$name" >>"$out/parts.tsv"
        return
    fi
    limited "$limit" "$@" >"$out/$name.out" 2>"$out/$name.err" </dev/null
    status=$?
    case $status in
        0) status=ok ;;
        3) status="not there" ;;
        124 | 137 | 142) status="stopped after $limit s" ;;
        *) status="failed with $status" ;;
    esac
    printf '%s\t%s\t%s\n' "$name" "$status" "$((SECONDS - begin))" >>"$out/parts.tsv"
    say "$name: $status, $((SECONDS - begin)) s"
}

bench() {
    local part=$1 model=$2
    shift 2
    part "bench-$model-$part" 30 "$program" bench --model "$model" ${sizes[@]+"${sizes[@]}"} --json \
        --seconds "$seconds" "$@"
}

# 1. What there is.
part devices 20 "$program" devices --limits
command -v nvidia-smi >/dev/null && part nvidia-smi 20 nvidia-smi
command -v vulkaninfo >/dev/null && part vulkaninfo 20 vulkaninfo --summary

# 2. Whether it computes right.
part verify 30 "$program" verify ${sizes[@]+"${sizes[@]}"} ${small:+--model tiny_vgg}
part verify-all 75 python3 tools/gpu/verify.py --program "$program" --families "${families[@]}" --whole "${whole[@]}"
part goldens 75 python3 tools/gpu/goldens.py --program "$program" ${small:+--only tiny}

# 3. Whole networks.
for model in "${networks[@]}"; do
    for batch in "${batches[@]}"; do
        bench "batch$batch" "$model" --no-tuning --no-start --batch "$batch"
    done
    for tile in "${tiles[@]}"; do
        bench "winograd$tile" "$model" --no-tuning --no-start --winograd "$tile"
    done
done

# 4. and 5. Kernels and dispatches.
part dispatches 20 "$program" bench --measure dispatches --json --seconds 1
part variants 60 "$program" bench --measure variants --json "${variants[@]}"

# 6. What there is to beat.
part torch 100 python3 tools/gpu/torch_times.py --seconds 80 --variants "$out/variants.out" \
    ${authors:+--authors "$authors"}

# Whether a long run keeps its memory.
part memory 60 python3 tools/gpu/memory.py --program "$program" ${small:+--photos 8}

# What tuning changes, and the start.
for model in "${networks[@]}"; do
    part "tune-$model" 45 "$program" tune --model "$model" ${sizes[@]+"${sizes[@]}"} --seconds 0.02
    bench tuned "$model" --no-start
done
for model in "${networks[@]}"; do
    bench start "$model" --no-tuning --repeats 1
done

if [[ -z $name ]]; then
    name=$(python3 tools/gpu/report.py --name "$out")
fi
python3 tools/gpu/report.py "$out" >"$out/$name.md" || die "the report failed; what was measured is in $out"
say "$SECONDS s; the report is $out/$name.md"
! cut -f2 "$out/parts.tsv" | grep -vqE '^(ok|not there)$'
