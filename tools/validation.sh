#!/usr/bin/env bash
# Runs one explanation under Khronos' validation layer, with validation of synchronisation: missing barriers and wrong
# use of Vulkan show.
#
#   tools/validation.sh [--program AGF-RUN]
#
# The layer comes from Debian's unstable suite, with the C library that it needs, and is unpacked below target/; older
# ones (Debian 12's 1.3.239) see no hazard at all. That this one does was seen with wgpu's buffer barriers taken out: it
# reported a thousand. Exits with 3 where it cannot be had.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

program=target/debug/agf-run
while (($#)); do
    case $1 in
        --program) program=$2; shift 2 ;;
        *) printf 'validation: unknown option %s\n' "$1" >&2; exit 2 ;;
    esac
done

# What wgpu is known to do: https://github.com/gfx-rs/wgpu/issues/7696.
KNOWN=VUID-StandaloneSpirv-None-10684

folder=$PWD/target/drivers/validation
tools/debian.sh sid "$folder" vulkan-validationlayers libvulkan1 libc6 libstdc++6 libgcc-s1 || exit
libraries=$folder/usr/lib/x86_64-linux-gnu
[[ -e $libraries/ld-linux-x86-64.so.2 ]] || { printf 'validation: only x86-64 is known here\n' >&2; exit 3; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/vk_layer_settings.txt" <<END
khronos_validation.validate_sync = true
khronos_validation.syncval_shader_accesses_heuristic = true
khronos_validation.report_flags = error,warn
khronos_validation.debug_action = VK_DBG_LAYER_ACTION_LOG_MSG
khronos_validation.log_filename = $work/messages
khronos_validation.enable_message_limit = false
END

run() {
    env XDG_CACHE_HOME="$work" VK_LOADER_DEBUG=layer VK_LAYER_SETTINGS_PATH="$work/vk_layer_settings.txt" \
        VK_LAYER_PATH="$folder/usr/share/vulkan/explicit_layer.d" VK_INSTANCE_LAYERS=VK_LAYER_KHRONOS_validation \
        "$libraries/ld-linux-x86-64.so.2" --library-path "$libraries:/usr/lib/x86_64-linux-gnu:/lib/x86_64-linux-gnu" \
        "$program" explain samples/panda.jpg --out "$work/out" --no-tuning >"$work/log" 2>&1
}

run || { tail -n 20 "$work/log" >&2; exit 1; }
grep -q 'Inserted device layer "VK_LAYER_KHRONOS_validation"' "$work/log" ||
    { printf 'validation: the layer was not there, so nothing was validated\n' >&2; exit 1; }
# The layer writes the file whenever it is loaded; each message names its rule in brackets.
found=$(grep -oE '\b(VUID-[A-Za-z0-9_-]+|SYNC-HAZARD-[A-Z-]+|UNASSIGNED-[A-Za-z0-9_-]+|BestPractices-[A-Za-z0-9_-]+)' \
    "$work/messages" |
    grep -vx "$KNOWN" | sort | uniq -c)
if [[ -n $found ]]; then
    printf 'validation: messages of the layer, by rule:\n%s\n' "$found" >&2
    grep -vE "^$" "$work/messages" | grep -v "$KNOWN" | head -n 40 >&2
    exit 1
fi
printf 'validation: no message about one explanation, synchronisation included\n'
