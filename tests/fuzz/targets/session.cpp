// Frames and an analysis with a worker that does what the input says: nothing may go past an end, and afterwards a frame comes out.
#include <cstdlib>

#include "../../ofx/probe/plugin.h"
#include "scripted.h"
#include "worker.h"

extern "C" OfxPlugin* OfxGetPlugin(int nth);
extern "C" int OfxGetNumberOfPlugins();

namespace {

using namespace probe;

OfxPlugin* lift() {
    for (int i = 0; i < OfxGetNumberOfPlugins(); ++i)
        if (std::strcmp(OfxGetPlugin(i)->pluginIdentifier, "io.wetgate.hdr_lift") == 0) return OfxGetPlugin(i);
    fail("no hdr_lift");
}

int asked_for_abort = 0, aborts_after = 0;

Plugin& plugin() {
    static Plugin* made = [] {
        setenv("WETGATE_RESTART_SECONDS", "0.5", 1);  // of the scripted clock
        quiet = true;
        describe_host();
        put(host_set, "OfxImageEffectPropTemporalClipAccess", {1});
        effect_suite.abort = [](OfxImageEffectHandle) -> int { return aborts_after != 0 && ++asked_for_abort >= aborts_after; };
        return new Plugin(lift());
    }();
    return *made;
}

void analyse(Effect& effect, Pictures& pictures) {
    current = &pictures;
    put(effect.clips[ofx::Source], "OfxImageEffectPropFrameRange", {1, 4});
    Set in;
    put(in, "OfxPropName", "analyse");
    put(in, "OfxPropChangeReason", "OfxChangeUserEdited");
    put(in, "OfxPropTime", {1});
    plugin().act("OfxActionInstanceChanged", &effect, &in, nullptr);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Plugin& lift = plugin();
    scripted::script = scripted::Input(data, size);
    const std::uint8_t plan = scripted::script.byte();
    asked_for_abort = 0;
    aborts_after = (plan & 8) != 0 ? 1 + plan / 16 : 0;
    Pictures pictures = pictures_of(7, 5, 1);
    auto effect = lift.create();
    for (int number = 0; number < 1 + plan % 4; ++number) {
        if ((plan & 4) != 0 && number == 1) analyse(*effect, pictures);
        std::fill(pictures.target.begin(), pictures.target.end(), -1.0f);
        const OfxStatus status = lift.try_render(*effect, pictures, number);
        if (status != ofx::OK && status != ofx::Failed && status != ofx::ErrMemory) fail("an undefined status");
        if (status != ofx::OK && pictures.target != pictures.source) fail("a failed frame does not hold the source");
        scripted::wait(1);
    }
    scripted::script = {};
    aborts_after = 0;
    // A worker that was silent before is so in the next frame too; then it is ended, and another comes.
    for (int number = 0; number < 2; ++number) {
        lift.try_render(*effect, pictures, number);
        scripted::wait(1);
    }
    std::fill(pictures.target.begin(), pictures.target.end(), -1.0f);
    lift.render(*effect, pictures, 9);
    if (pictures.target != pictures.source) fail("the frame after is not the source");
    lift.destroy(std::move(effect));
    wetgate::stop_worker();
    return 0;
}
