// Compiles compute shaders with Microsoft's compiler for shader model 5.1 (FXC), with the flags that wgpu gives it.
// Build: x86_64-w64-mingw32-gcc -o fxc.exe fxc.c; d3dcompiler_47.dll has to lie beside it.
//
//   fxc.exe FILE...    a line per file: "ok", processor's milliseconds, bytes, registers, arrays in registers; or "failed" and why
#define COBJMACROS
#include <windows.h>
#include <d3dcompiler.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pD3DCompile compile;
static pD3DDisassemble disassemble;

// That this process has taken so far, of the processor.
static unsigned milliseconds(void) {
    FILETIME times[4];
    if (!GetProcessTimes(GetCurrentProcess(), &times[0], &times[1], &times[2], &times[3])) return 0;
    ULONGLONG ticks = 0;
    for (int at = 2; at < 4; ++at) ticks += ((ULONGLONG)times[at].dwHighDateTime << 32) + times[at].dwLowDateTime;
    return (unsigned)(ticks / 10000);
}

// The whole file, with a zero behind it.
static char *content(const char *name, size_t *length) {
    FILE *file = fopen(name, "rb");
    if (!file) return NULL;
    fseek(file, 0, SEEK_END);
    *length = ftell(file);
    rewind(file);
    char *text = calloc(*length + 1, 1);
    size_t got = text ? fread(text, 1, *length, file) : 0;
    fclose(file);
    return text && got == *length ? text : NULL;
}

// What a shader declares, from its assembly: "dcl_temps 12" once, "dcl_indexableTemp x0[16], 4" for each array.
static void print_declared(ID3DBlob *assembly) {
    char *text = ID3D10Blob_GetBufferPointer(assembly), *end = text + ID3D10Blob_GetBufferSize(assembly);
    unsigned registers = 0, arrays = 0;
    end[-1] = 0;
    for (char *line = text; line; line = strchr(line + 1, '\n')) {
        char *word = line + strspn(line, "\n\r ");
        if (sscanf(word, "dcl_temps %u", &registers) != 1 && !strncmp(word, "dcl_indexableTemp", 17)) ++arrays;
    }
    printf("%u %u\n", registers, arrays);
}

// Of lines of warnings and errors, the first that is no warning.
static char *first_error(char *lines) {
    char *error = strstr(lines, ": error ");
    while (error && error > lines && error[-1] != '\n') --error;
    char *line = error ? error : lines;
    line[strcspn(line, "\r\n")] = 0;
    return line;
}

static void answer(const char *name) {
    size_t length = 0;
    char *text = content(name, &length);
    if (!text) {
        printf("failed cannot be read\n");
        return;
    }
    ID3DBlob *code = NULL, *errors = NULL, *assembly = NULL;
    unsigned begin = milliseconds();
    HRESULT result =
        compile(text, length, name, NULL, NULL, "main", "cs_5_1", D3DCOMPILE_ENABLE_STRICTNESS, 0, &code, &errors);
    unsigned taken = milliseconds() - begin;
    if (SUCCEEDED(result)) {
        const void *bytes = ID3D10Blob_GetBufferPointer(code);
        size_t size = ID3D10Blob_GetBufferSize(code);
        result = disassemble(bytes, size, 0, NULL, &assembly);
        if (SUCCEEDED(result)) printf("ok %u %u ", taken, (unsigned)size), print_declared(assembly);
    }
    if (FAILED(result)) {
        const char *said = errors ? first_error(ID3D10Blob_GetBufferPointer(errors)) : "";
        printf("failed %08lx %s\n", (unsigned long)result, said);
    }
    fflush(stdout);
    if (assembly) ID3D10Blob_Release(assembly);
    if (errors) ID3D10Blob_Release(errors);
    if (code) ID3D10Blob_Release(code);
    free(text);
}

int main(int count, char **names) {
    HMODULE library = LoadLibraryA("d3dcompiler_47.dll");
    if (library) {
        compile = (pD3DCompile)(void *)GetProcAddress(library, "D3DCompile");
        disassemble = (pD3DDisassemble)(void *)GetProcAddress(library, "D3DDisassemble");
    }
    if (!compile || !disassemble) {
        fprintf(stderr, "fxc: d3dcompiler_47.dll does not open\n");
        return 2;
    }
    for (int at = 1; at < count; ++at) answer(names[at]);
    return 0;
}
