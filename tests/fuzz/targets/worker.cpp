// A worker that answers every RENDER with the source's own place, and, as its arguments say, breaks PROTOCOL.md now and then.
//
//   worker                    in good order
//   worker SEEDS CALM         from a seed that the file SEEDS counts up; in good order once the file CALM is there
//
// It knows nothing of pictures, and starts in a millisecond, so that a host can meet hundreds of them in a second.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

namespace {

using Bytes = std::vector<unsigned char>;

enum Type : std::uint16_t { hello = 1, welcome, lane, beat, map, ok, unmap, render, analyse, cancel, progress, done, error, fetch };

std::uint64_t state = 0;  // of the harm to be done; 0 is none
const char* calm = nullptr;

std::uint32_t chance(std::uint32_t below) {  // splitmix64
    std::uint64_t z = (state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return static_cast<std::uint32_t>((z ^ (z >> 31)) >> 32) % below;
}

void put(Bytes& bytes, std::uint64_t value, int size) {
    for (int i = 0; i < size; ++i) bytes.push_back(static_cast<unsigned char>(value >> (8 * i)));
}

Bytes message(std::uint16_t type, std::uint32_t request, const Bytes& body) {
    Bytes made{'W', 'T', 'G', '1'};
    put(made, type, 2);
    put(made, 0, 2);
    put(made, body.size(), 4);
    put(made, request, 4);
    made.insert(made.end(), body.begin(), body.end());
    return made;
}

void send_all(int socket, const Bytes& bytes, int attached = -1) {
    for (std::size_t sent = 0; sent < bytes.size();) {
        iovec part{const_cast<unsigned char*>(bytes.data()) + sent, bytes.size() - sent};
        msghdr header{};
        header.msg_iov = &part;
        header.msg_iovlen = 1;
        alignas(cmsghdr) unsigned char control[CMSG_SPACE(sizeof(int))] = {};
        if (attached >= 0 && sent == 0) {
            header.msg_control = control;
            header.msg_controllen = sizeof control;
            cmsghdr* rights = CMSG_FIRSTHDR(&header);
            rights->cmsg_level = SOL_SOCKET;
            rights->cmsg_type = SCM_RIGHTS;
            rights->cmsg_len = CMSG_LEN(sizeof(int));
            std::memcpy(CMSG_DATA(rights), &attached, sizeof attached);
        }
        const ssize_t count = sendmsg(socket, &header, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return;
        sent += static_cast<std::size_t>(count);
    }
}

// Sends a message, or what becomes of it.
void say(int socket, Bytes bytes) {
    if (state != 0 && access(calm, F_OK) == 0) state = 0;
    if (state == 0 || chance(4) != 0) {
        send_all(socket, bytes);
        return;
    }
    const auto at = [&bytes](std::size_t spare) { return bytes.size() > spare ? chance(static_cast<std::uint32_t>(bytes.size() - spare)) : 0; };
    const auto word = [&bytes](std::size_t place, std::uint32_t value) { std::memcpy(bytes.data() + place, &value, 4); };
    static const std::uint32_t ends[] = {0, 1, 0x7FFFFFFF, 0x80000000u, 0xFFFFFFFFu, 0xFFFFFFF0u, 1u << 20, (1u << 20) + 1};
    switch (chance(18)) {
        case 0: bytes[at(0)] ^= static_cast<unsigned char>(1u << chance(8)); break;
        case 1:
            for (int i = 0; i < 8; ++i) bytes[at(0)] = static_cast<unsigned char>(chance(256));
            break;
        case 2: word(at(3), ends[chance(8)]); break;
        case 3: bytes[4] = static_cast<unsigned char>(chance(20)); break;                     // another type
        case 4: word(8, ends[chance(8)]); break;                                              // another length
        case 5: word(12, chance(2) != 0 ? ends[chance(8)] : chance(8)); break;                // another request
        case 6: bytes.resize(at(0)); break;                                                   // and what follows is taken for its rest
        case 7:
            bytes.resize(at(0));
            send_all(socket, bytes);
            std::_Exit(static_cast<int>(chance(3)));
        case 8: bytes.insert(bytes.begin() + at(0), 1 + chance(64), static_cast<unsigned char>(chance(256))); break;
        case 9: bytes.insert(bytes.end(), bytes.begin(), bytes.end()); break;                 // twice
        case 10:
            for (const unsigned char byte : bytes) send_all(socket, {byte});
            return;
        case 11: {
            Bytes flood;
            for (int i = 0; i < 2000; ++i) {
                const Bytes one = message(chance(2) != 0 ? beat : progress, chance(3), {});
                flood.insert(flood.end(), one.begin(), one.end());
            }
            send_all(socket, flood);
            break;
        }
        case 12: send_all(socket, bytes, 0); return;                                          // a descriptor that nobody asked for
        case 13: shutdown(socket, SHUT_RDWR); return;
        case 14: raise(SIGKILL); return;
        case 15: raise(SIGSTOP); return;
        case 16: {
            Bytes noise;
            for (std::uint32_t i = 0, count = chance(4096); i < count; ++i) noise.push_back(static_cast<unsigned char>(chance(256)));
            send_all(socket, noise);
            return;
        }
        default: {
            Bytes body;
            put(body, chance(14), 2);
            put(body, chance(4) == 0, 2);
            put(body, chance(4) == 0 ? ends[chance(8)] : 3, 4);
            put(body, chance(2) != 0 ? 0x00C3FF : 0x732520, 3);  // no UTF-8; a format
            std::uint32_t request;
            std::memcpy(&request, bytes.data() + 12, 4);
            bytes = message(chance(2) != 0 ? error : fetch, request, body);
        }
    }
    send_all(socket, bytes);
}

// What a peer might do to memory that it was given.
void meddle(int pool) {
    static_cast<void>(ftruncate(pool, chance(2) != 0 ? 0 : 4096) + ftruncate(pool, std::int64_t{1} << 40));
    static_cast<void>(fallocate(pool, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, std::int64_t{1} << 30));
}

struct Peer {
    int socket;
    Bytes inbox;
};

void answer(std::vector<Peer>& peers, std::size_t from, std::vector<int>& attached) {
    const Bytes& inbox = peers[from].inbox;
    const int socket = peers[from].socket;
    std::uint16_t type;
    std::uint32_t request;
    std::memcpy(&type, inbox.data() + 4, 2);
    std::memcpy(&request, inbox.data() + 12, 4);
    Bytes body;
    switch (type) {
        case hello:
            put(body, 1, 4);
            body.insert(body.end(), inbox.begin() + 16 + 36, inbox.begin() + 16 + 68);  // the schema, as it came
            put(body, static_cast<std::uint32_t>(getpid()), 4);
            put(body, 500, 4);
            put(body, 0, 8);  // no version, no log
            say(socket, message(welcome, 0, body));
            break;
        case lane:
            peers.push_back({attached.at(0), {}});
            attached.clear();
            break;
        case map:
            if (state != 0) meddle(attached.at(0));
            say(socket, message(ok, request, body));
            break;
        case unmap: say(socket, message(ok, request, body)); break;
        case render:
            put(body, 0, 8);  // the first picture, no notes
            say(socket, message(done, request, body));
            break;
        case cancel: say(socket, message(error, request, {9, 0, 0, 0, 0, 0, 0, 0})); break;
        default: break;
    }
    for (const int one : attached) close(one);
    attached.clear();
}

// Takes what has come; false at the end of the stream.
bool take(std::vector<Peer>& peers, std::size_t from) {
    unsigned char part[65536];
    iovec into{part, sizeof part};
    alignas(cmsghdr) unsigned char control[CMSG_SPACE(sizeof(int))];
    msghdr header{};
    header.msg_iov = &into;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    const ssize_t count = recvmsg(peers[from].socket, &header, MSG_CMSG_CLOEXEC);
    if (count <= 0) return false;
    std::vector<int> attached;
    for (cmsghdr* one = CMSG_FIRSTHDR(&header); one != nullptr; one = CMSG_NXTHDR(&header, one)) {
        int number;
        std::memcpy(&number, CMSG_DATA(one), sizeof number);
        attached.push_back(number);
    }
    peers[from].inbox.insert(peers[from].inbox.end(), part, part + count);
    while (peers[from].inbox.size() >= 16) {
        std::uint32_t size;
        std::memcpy(&size, peers[from].inbox.data() + 8, 4);
        if (peers[from].inbox.size() < 16 + size) break;
        answer(peers, from, attached);
        Bytes& inbox = peers[from].inbox;  // a new lane may have moved it
        inbox.erase(inbox.begin(), inbox.begin() + 16 + size);
    }
    return true;
}

std::uint64_t next_seed(const char* path) {
    std::uint64_t seed = 0;
    std::ifstream(path) >> seed;
    std::ofstream(path) << seed + 1;
    return seed;
}

}  // namespace

int main(int count, char** argument) {
    if (count > 2) {
        calm = argument[2];
        state = 2 * next_seed(argument[1]) + 1;
    }
    unsigned char token[33];
    if (read(4, token, sizeof token) != 32) return 2;
    close(4);
    std::vector<Peer> peers{{3, {}}};
    while (true) {
        std::vector<pollfd> waits;
        for (const Peer& peer : peers) waits.push_back({peer.socket, POLLIN, 0});
        if (poll(waits.data(), waits.size(), -1) < 0) continue;
        for (std::size_t i = waits.size(); i-- > 0;) {
            if (waits[i].revents == 0 || take(peers, i)) continue;
            if (i == 0) return 0;
            close(peers[i].socket);
            peers.erase(peers.begin() + static_cast<std::ptrdiff_t>(i));
        }
    }
}
