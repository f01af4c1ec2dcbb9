/* A render worker for the Windows bundle: WORKER.exe WHAT. It keeps to PROTOCOL.md and adds 1 to every value.
 *
 * WHAT is "good"; "dies", which ends in the middle of the first frame of a process; or "hangs", which answers no frame. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

enum { HELLO = 1, WELCOME, LANE, BEAT, MAP, OK, UNMAP, RENDER, DONE = 12 };
#pragma pack(push, 1)
typedef struct { uint32_t magic; uint16_t type, attached; uint32_t length, request; } Header;
typedef struct { uint8_t role, channels, alpha, flags; uint32_t pool; uint64_t offset; int32_t x1, y1, x2, y2; double time; } Picture;
#pragma pack(pop)
static const char *what;
static uint8_t token[32];

/* Overlapped pipes need overlapped calls, even where one waits at once. */
static int move(HANDLE pipe, void *data, DWORD size, int writing) {
    uint8_t *at = data;
    while (size > 0) {
        OVERLAPPED how = {0};
        DWORD count = 0;
        how.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
        const BOOL done = writing ? WriteFile(pipe, at, size, NULL, &how) : ReadFile(pipe, at, size, NULL, &how);
        const BOOL fine = (done || GetLastError() == ERROR_IO_PENDING) && GetOverlappedResult(pipe, &how, &count, TRUE);
        CloseHandle(how.hEvent);
        if (!fine || count == 0) return 0;
        at += count;
        size -= count;
    }
    return 1;
}

static int answer(HANDLE pipe, int type, uint32_t request, const void *body, uint32_t size) {
    uint8_t bytes[256];
    const Header header = {0x31475457, (uint16_t)type, 0, size, request};
    memcpy(bytes, &header, sizeof header);
    if (size) memcpy(bytes + sizeof header, body, size);
    return move(pipe, bytes, (DWORD)sizeof header + size, 1);
}

static DWORD WINAPI serve(void *given) {
    const HANDLE pipe = given;
    static uint8_t body[1 << 20];
    uint8_t *pool = NULL;
    Header header;
    while (move(pipe, &header, sizeof header, 0)) {
        uint64_t attached = 0;
        if (header.magic != 0x31475457 || header.length > sizeof body) return 1;
        if (header.attached && !move(pipe, &attached, 8, 0)) return 1;
        if (header.length && !move(pipe, body, header.length, 0)) return 1;
        if (header.type == HELLO) {
            uint8_t welcome[2 + 2 + 32 + 4 + 4 + 4 + 4] = {1, 0};
            const uint32_t beat = 500;
            if (memcmp(body + 4, token, 32) != 0) return 1;
            memcpy(welcome + 4, body + 36, 32);
            memcpy(welcome + 40, &beat, 4);
            answer(pipe, WELCOME, 0, welcome, sizeof welcome);
        } else if (header.type == LANE) {
            CloseHandle(CreateThread(NULL, 0, serve, (HANDLE)(uintptr_t)attached, 0, NULL));
        } else if (header.type == MAP) {
            pool = MapViewOfFile((HANDLE)(uintptr_t)attached, FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, (SIZE_T)(*(uint64_t *)(body + 8)));
            CloseHandle((HANDLE)(uintptr_t)attached);
            if (!pool) return 1;
            answer(pipe, OK, header.request, NULL, 0);
        } else if (header.type == UNMAP) {
            answer(pipe, OK, header.request, NULL, 0);
        } else if (header.type == RENDER) {
            uint8_t done[8] = {1};
            Picture from, to;
            if (strcmp(what, "hangs") == 0) Sleep(INFINITE);
            if (strcmp(what, "dies") == 0) {
                fprintf(stderr, "no light in the lamp\n");
                fflush(stderr);
                ExitProcess(7);
            }
            memcpy(&from, body + header.length - 2 * sizeof from, sizeof from);
            memcpy(&to, body + header.length - sizeof to, sizeof to);
            const int count = (from.x2 - from.x1) * (from.y2 - from.y1) * from.channels;
            for (int i = 0; i < count; ++i) ((float *)(pool + to.offset))[i] = ((float *)(pool + from.offset))[i] + 1;
            answer(pipe, DONE, header.request, done, sizeof done);
        }
    }
    return 0;
}

int main(int count, char **argument) {
    const char *control = getenv("WETGATE_CONTROL");
    DWORD got = 0;
    if (count != 2 || !control || getenv("SECRET_OF_THE_HOST")) return 3;
    what = argument[1];
    if (!ReadFile(GetStdHandle(STD_INPUT_HANDLE), token, sizeof token, &got, NULL) || got != sizeof token) return 4;
    return (int)serve((HANDLE)(uintptr_t)_strtoui64(control, NULL, 10));
}
