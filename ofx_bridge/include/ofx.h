// The OpenFX image-effect ABI, version 1.4 with what is used of 1.5: structs, suites in slot order, status codes, names.
// Written from the published interface (AcademySoftwareFoundation/openfx, include/ofx*.h). C layout throughout.
#pragma once

#include <cstddef>

using OfxStatus = int;
using OfxTime = double;
using OfxPropertySetHandle = struct OfxPropertySetStruct*;
using OfxImageEffectHandle = struct OfxImageEffectStruct*;
using OfxImageClipHandle = struct OfxImageClipStruct*;
using OfxImageMemoryHandle = struct OfxImageMemoryStruct*;
using OfxParamHandle = struct OfxParamStruct*;
using OfxParamSetHandle = struct OfxParamSetStruct*;

struct OfxRangeD {
    double min, max;
};
struct OfxRectI {
    int x1, y1, x2, y2;
};
struct OfxRectD {
    double x1, y1, x2, y2;
};

extern "C" {

struct OfxHost {
    OfxPropertySetHandle host;
    const void* (*fetchSuite)(OfxPropertySetHandle host, const char* suite, int version);
};

using OfxPluginEntryPoint = OfxStatus(const char* action, const void* handle, OfxPropertySetHandle in,
                                      OfxPropertySetHandle out);

struct OfxPlugin {
    const char* pluginApi;
    int apiVersion;
    const char* pluginIdentifier;
    unsigned int pluginVersionMajor;
    unsigned int pluginVersionMinor;
    void (*setHost)(OfxHost* host);
    OfxPluginEntryPoint* mainEntry;
};

struct OfxPropertySuiteV1 {
    OfxStatus (*propSetPointer)(OfxPropertySetHandle, const char*, int, void*);
    OfxStatus (*propSetString)(OfxPropertySetHandle, const char*, int, const char*);
    OfxStatus (*propSetDouble)(OfxPropertySetHandle, const char*, int, double);
    OfxStatus (*propSetInt)(OfxPropertySetHandle, const char*, int, int);
    OfxStatus (*propSetPointerN)(OfxPropertySetHandle, const char*, int, void* const*);
    OfxStatus (*propSetStringN)(OfxPropertySetHandle, const char*, int, const char* const*);
    OfxStatus (*propSetDoubleN)(OfxPropertySetHandle, const char*, int, const double*);
    OfxStatus (*propSetIntN)(OfxPropertySetHandle, const char*, int, const int*);
    OfxStatus (*propGetPointer)(OfxPropertySetHandle, const char*, int, void**);
    OfxStatus (*propGetString)(OfxPropertySetHandle, const char*, int, char**);
    OfxStatus (*propGetDouble)(OfxPropertySetHandle, const char*, int, double*);
    OfxStatus (*propGetInt)(OfxPropertySetHandle, const char*, int, int*);
    OfxStatus (*propGetPointerN)(OfxPropertySetHandle, const char*, int, void**);
    OfxStatus (*propGetStringN)(OfxPropertySetHandle, const char*, int, char**);
    OfxStatus (*propGetDoubleN)(OfxPropertySetHandle, const char*, int, double*);
    OfxStatus (*propGetIntN)(OfxPropertySetHandle, const char*, int, int*);
    OfxStatus (*propReset)(OfxPropertySetHandle, const char*);
    OfxStatus (*propGetDimension)(OfxPropertySetHandle, const char*, int*);
};

struct OfxImageEffectSuiteV1 {
    OfxStatus (*getPropertySet)(OfxImageEffectHandle, OfxPropertySetHandle*);
    OfxStatus (*getParamSet)(OfxImageEffectHandle, OfxParamSetHandle*);
    OfxStatus (*clipDefine)(OfxImageEffectHandle, const char*, OfxPropertySetHandle*);
    OfxStatus (*clipGetHandle)(OfxImageEffectHandle, const char*, OfxImageClipHandle*, OfxPropertySetHandle*);
    OfxStatus (*clipGetPropertySet)(OfxImageClipHandle, OfxPropertySetHandle*);
    OfxStatus (*clipGetImage)(OfxImageClipHandle, OfxTime, const OfxRectD*, OfxPropertySetHandle*);
    OfxStatus (*clipReleaseImage)(OfxPropertySetHandle);
    OfxStatus (*clipGetRegionOfDefinition)(OfxImageClipHandle, OfxTime, OfxRectD*);
    int (*abort)(OfxImageEffectHandle);
    OfxStatus (*imageMemoryAlloc)(OfxImageEffectHandle, size_t, OfxImageMemoryHandle*);
    OfxStatus (*imageMemoryFree)(OfxImageMemoryHandle);
    OfxStatus (*imageMemoryLock)(OfxImageMemoryHandle, void**);
    OfxStatus (*imageMemoryUnlock)(OfxImageMemoryHandle);
};

struct OfxParameterSuiteV1 {
    OfxStatus (*paramDefine)(OfxParamSetHandle, const char* type, const char* name, OfxPropertySetHandle*);
    OfxStatus (*paramGetHandle)(OfxParamSetHandle, const char*, OfxParamHandle*, OfxPropertySetHandle*);
    OfxStatus (*paramSetGetPropertySet)(OfxParamSetHandle, OfxPropertySetHandle*);
    OfxStatus (*paramGetPropertySet)(OfxParamHandle, OfxPropertySetHandle*);
    OfxStatus (*paramGetValue)(OfxParamHandle, ...);
    OfxStatus (*paramGetValueAtTime)(OfxParamHandle, OfxTime, ...);
    OfxStatus (*paramGetDerivative)(OfxParamHandle, OfxTime, ...);
    OfxStatus (*paramGetIntegral)(OfxParamHandle, OfxTime, OfxTime, ...);
    OfxStatus (*paramSetValue)(OfxParamHandle, ...);
    OfxStatus (*paramSetValueAtTime)(OfxParamHandle, OfxTime, ...);
    OfxStatus (*paramGetNumKeys)(OfxParamHandle, unsigned int*);
    OfxStatus (*paramGetKeyTime)(OfxParamHandle, unsigned int, OfxTime*);
    OfxStatus (*paramGetKeyIndex)(OfxParamHandle, OfxTime, int, int*);
    OfxStatus (*paramDeleteKey)(OfxParamHandle, OfxTime);
    OfxStatus (*paramDeleteAllKeys)(OfxParamHandle);
    OfxStatus (*paramCopy)(OfxParamHandle, OfxParamHandle, OfxTime, const OfxRangeD*);
    OfxStatus (*paramEditBegin)(OfxParamSetHandle, const char*);
    OfxStatus (*paramEditEnd)(OfxParamSetHandle);
};

struct OfxMessageSuiteV1 {
    OfxStatus (*message)(void*, const char* type, const char* id, const char* format, ...);
};

struct OfxMessageSuiteV2 {
    OfxStatus (*message)(void*, const char* type, const char* id, const char* format, ...);
    OfxStatus (*setPersistentMessage)(void*, const char* type, const char* id, const char* format, ...);
    OfxStatus (*clearPersistentMessage)(void*);
};

struct OfxProgressSuiteV1 {
    OfxStatus (*progressStart)(void*, const char* label);
    OfxStatus (*progressUpdate)(void*, double);
    OfxStatus (*progressEnd)(void*);
};

struct OfxProgressSuiteV2 {
    OfxStatus (*progressStart)(void*, const char* message, const char* id);
    OfxStatus (*progressUpdate)(void*, double);
    OfxStatus (*progressEnd)(void*);
};

}  // extern "C"

namespace ofx {

enum Status : int {
    OK = 0,
    Failed = 1,
    ErrMissingHostFeature = 4,
    ErrUnsupported = 5,
    ErrMemory = 8,
    ErrBadHandle = 9,
    ErrBadIndex = 10,
    ReplyYes = 12,
    ReplyNo = 13,
    ReplyDefault = 14,
};

// Components, depths, alpha.
inline constexpr char RGBA[] = "OfxImageComponentRGBA";
inline constexpr char RGB[] = "OfxImageComponentRGB";
inline constexpr char Alpha[] = "OfxImageComponentAlpha";
inline constexpr char Byte[] = "OfxBitDepthByte";
inline constexpr char Short[] = "OfxBitDepthShort";
inline constexpr char Half[] = "OfxBitDepthHalf";
inline constexpr char Float[] = "OfxBitDepthFloat";
inline constexpr char Opaque[] = "OfxImageOpaque";
inline constexpr char Premultiplied[] = "OfxImageAlphaPremultiplied";

// Contexts and clips.
inline constexpr char Filter[] = "OfxImageEffectContextFilter";
inline constexpr char General[] = "OfxImageEffectContextGeneral";
inline constexpr char Source[] = "Source";
inline constexpr char Output[] = "Output";
inline constexpr char Mask[] = "Mask";
inline constexpr char Infrared[] = "Infrared";
inline constexpr char Reference[] = "Reference";
inline constexpr const char* OptionalClips[] = {Mask, Infrared, Reference};

}  // namespace ofx
