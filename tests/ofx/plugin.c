/* A plug-in for the tests of the OFX host: a gain with an offset, and one fault of every kind the host must find.
 *
 * Written from the public description of the interface (OFX 1.4); only what is used is declared.
 */
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int Status;
typedef void *Handle;
typedef struct { double x1, y1, x2, y2; } RectD;

typedef struct {
  Handle host;
  const void *(*fetchSuite)(Handle host, const char *name, int version);
} Host;

typedef struct {
  const char *api;
  int apiVersion;
  const char *id;
  unsigned int major, minor;
  void (*setHost)(Host *);
  Status (*mainEntry)(const char *, const void *, Handle, Handle);
} Plugin;

typedef struct {
  Status (*setPointer)(Handle, const char *, int, void *);
  Status (*setString)(Handle, const char *, int, const char *);
  Status (*setDouble)(Handle, const char *, int, double);
  Status (*setInt)(Handle, const char *, int, int);
  Status (*setPointerN)(Handle, const char *, int, void *const *);
  Status (*setStringN)(Handle, const char *, int, const char *const *);
  Status (*setDoubleN)(Handle, const char *, int, const double *);
  Status (*setIntN)(Handle, const char *, int, const int *);
  Status (*getPointer)(Handle, const char *, int, void **);
  Status (*getString)(Handle, const char *, int, char **);
  Status (*getDouble)(Handle, const char *, int, double *);
  Status (*getInt)(Handle, const char *, int, int *);
  Status (*getPointerN)(Handle, const char *, int, void **);
  Status (*getStringN)(Handle, const char *, int, char **);
  Status (*getDoubleN)(Handle, const char *, int, double *);
  Status (*getIntN)(Handle, const char *, int, int *);
  Status (*reset)(Handle, const char *);
  Status (*dimension)(Handle, const char *, int *);
} PropertySuite;

typedef struct {
  Status (*getPropertySet)(const void *, Handle *);
  Status (*getParamSet)(const void *, Handle *);
  Status (*clipDefine)(const void *, const char *, Handle *);
  Status (*clipGetHandle)(const void *, const char *, Handle *, Handle *);
  Status (*clipGetPropertySet)(Handle, Handle *);
  Status (*clipGetImage)(Handle, double, const RectD *, Handle *);
  Status (*clipReleaseImage)(Handle);
  Status (*clipGetRegionOfDefinition)(Handle, double, RectD *);
  int (*abort)(const void *);
  Status (*memoryAlloc)(const void *, size_t, Handle *);
  Status (*memoryFree)(Handle);
  Status (*memoryLock)(Handle, void **);
  Status (*memoryUnlock)(Handle);
} EffectSuite;

typedef struct {
  Status (*define)(Handle, const char *, const char *, Handle *);
  Status (*getHandle)(Handle, const char *, Handle *, Handle *);
  Status (*setGetPropertySet)(Handle, Handle *);
  Status (*getPropertySet)(Handle, Handle *);
  Status (*getValue)(Handle, ...);
  Status (*getValueAtTime)(Handle, double, ...);
  Status (*getDerivative)(Handle, double, ...);
  Status (*getIntegral)(Handle, double, double, ...);
  Status (*setValue)(Handle, ...);
  Status (*setValueAtTime)(Handle, double, ...);
  Status (*getNumKeys)(Handle, unsigned int *);
  Status (*getKeyTime)(Handle, unsigned int, double *);
  Status (*getKeyIndex)(Handle, double, int, int *);
  Status (*deleteKey)(Handle, double);
  Status (*deleteAllKeys)(Handle);
  Status (*copy)(Handle, Handle, double, const double *);
} ParamSuite;

typedef struct {
  Status (*alloc)(const void *, size_t, void **);
  Status (*free)(void *);
} MemorySuite;

typedef struct {
  Status (*multiThread)(void (*)(unsigned int, unsigned int, void *), unsigned int, void *);
  Status (*numCPUs)(unsigned int *);
  Status (*index)(unsigned int *);
  int (*isSpawned)(void);
  Status (*create)(Handle *, int);
  Status (*destroy)(const Handle);
  Status (*lock)(const Handle);
  Status (*unLock)(const Handle);
  Status (*tryLock)(const Handle);
} ThreadSuite;

typedef struct {
  Status (*message)(const void *, const char *, const char *, const char *, ...);
  Status (*setPersistent)(const void *, const char *, const char *, const char *, ...);
  Status (*clearPersistent)(const void *);
} MessageSuite;

typedef struct {
  Status (*start)(const void *, const char *, const char *);
  Status (*update)(const void *, double);
  Status (*end)(const void *);
} ProgressSuite;

typedef struct {
  Status (*getTime)(Handle, double *);
} TimeLineSuite;

enum { OK = 0, FAILED = 1, UNKNOWN = 3, DEFAULT = 14 };
/* The values of the parameter "fault". */
enum {
  NONE, OUTSIDE_WINDOW, OUTSIDE_IMAGE, KEEP_IMAGE, READ_WITHOUT_TIME, CHANGE_INPUT, LEAK_MEMORY, FAIL, ODD_STATUS,
  SET_IN_RENDER, OTHER_TIME, SKIP_ROWS, BAD_HANDLE, KEPT_STRING, RELEASE_TWICE, WRONG_TYPE, TELL
};

static Host *host;
static const PropertySuite *props;
static const EffectSuite *effects;
static const ParamSuite *params;
static const MemorySuite *memory;
static const ThreadSuite *threads;
static const MessageSuite *messages;
static const ProgressSuite *progress;
static void *leaked;
static int loads, unloads, path;
/* The values of the parameter "region": what GetRegionOfDefinition answers. */
enum { SOURCES, INFINITE, GROWN, HUGE_ONE, NO_NUMBER, EMPTY };

static Status describe(const void *effect) {
  Handle p;
  effects->getPropertySet(effect, &p);
  char *bundle;
  path = props->getString(p, "OfxPluginPropFilePath", 0, &bundle) == OK;
  props->setString(p, "OfxPropLabel", 0, "Gain for tests");
  props->setString(p, "OfxImageEffectPropSupportedContexts", 0, "OfxImageEffectContextFilter");
  props->setString(p, "OfxImageEffectPropSupportedContexts", 1, "OfxImageEffectContextGeneral");
  props->setString(p, "OfxImageEffectPropSupportedContexts", 2, "OfxImageEffectContextGenerator");
  props->setString(p, "OfxImageEffectPropSupportedContexts", 3, "OfxImageEffectContextTransition");
  props->setString(p, "OfxImageEffectPropSupportedPixelDepths", 0, "OfxBitDepthFloat");
  props->setInt(p, "OfxImageEffectPluginPropHostFrameThreading", 0, 0);
  props->setInt(p, "OfxImageEffectPropSupportsTiles", 0, 1);
  return OK;
}

static void defineNumber(Handle set, const char *type, const char *name, int count, const double *value, double high) {
  Handle p;
  params->define(set, type, name, &p);
  for (int i = 0; i < count; ++i) {
    props->setDouble(p, "OfxParamPropMin", i, -high);
    props->setDouble(p, "OfxParamPropMax", i, high);
    props->setDouble(p, "OfxParamPropDisplayMin", i, 0);
    props->setDouble(p, "OfxParamPropDisplayMax", i, 4);
  }
  props->setDoubleN(p, "OfxParamPropDefault", count, value);
}

static void defineClip(const void *effect, const char *name) {
  Handle p;
  effects->clipDefine(effect, name, &p);
  props->setString(p, "OfxImageEffectPropSupportedComponents", 0, "OfxImageComponentRGBA");
  props->setString(p, "OfxImageEffectPropSupportedComponents", 1, "OfxImageComponentRGB");
}

static Status describeInContext(const void *effect, Handle in) {
  static const double one[] = {1}, zeros[] = {0, 0, 0};
  char *context;
  Handle p, set;
  props->getString(in, "OfxImageEffectPropContext", 0, &context);
  if (strncmp(context, "OfxImageEffectContext", 21)) return FAILED;
  int transition = !strcmp(context + 21, "Transition"), generator = !strcmp(context + 21, "Generator");
  effects->getParamSet(effect, &set);
  if (transition) {
    defineClip(effect, "SourceFrom");
    defineClip(effect, "SourceTo");
    defineNumber(set, "OfxParamTypeDouble", "Transition", 1, zeros, 1);
  } else if (!generator) {
    defineClip(effect, "Source");
  }
  defineClip(effect, "Output");
  defineNumber(set, "OfxParamTypeDouble", "gain", 1, one, 100);
  defineNumber(set, "OfxParamTypeDouble", "copied", 1, one, 100);
  defineNumber(set, "OfxParamTypeRGB", "offset", 3, zeros, 100);
  params->define(set, "OfxParamTypeInteger", "region", &p);
  params->define(set, "OfxParamTypeInteger", "fault", &p);
  props->setInt(p, "OfxParamPropMin", 0, 0);
  props->setInt(p, "OfxParamPropMax", 0, 100);
  props->setInt(p, "OfxParamPropDisplayMin", 0, 0);
  props->setInt(p, "OfxParamPropDisplayMax", 0, 100);
  params->define(set, "OfxParamTypeChoice", "channels", &p);
  props->setString(p, "OfxParamPropChoiceOption", 0, "All");
  props->setString(p, "OfxParamPropChoiceOption", 1, "Red");
  params->define(set, "OfxParamTypeString", "note", &p);
  props->setString(p, "OfxParamPropDefault", 0, "none");
  params->define(set, "OfxParamTypeBoolean", "negate", &p);
  params->define(set, "OfxParamTypePushButton", "reset", &p);
  return OK;
}

static Handle param(const void *effect, const char *name) {
  Handle set, found = 0;
  effects->getParamSet(effect, &set);
  params->getHandle(set, name, &found, 0);
  return found;
}

static Status changed(const void *effect, Handle in) {
  char *name;
  props->getString(in, "OfxPropName", 0, &name);
  if (strcmp(name, "reset")) return OK;
  progress->start(effect, "resetting", "reset");
  if (progress->update(effect, 0.5) == OK) {
    params->setValue(param(effect, "gain"), 2.5);
    params->copy(param(effect, "copied"), param(effect, "gain"), 0, 0);
    params->setValue(param(effect, "offset"), 0.25, 0.5, -0.75);
    params->setValue(param(effect, "channels"), 1);
    params->setValue(param(effect, "note"), "r\xc3\xa9set");
    params->setValueAtTime(param(effect, "gain"), 10.0, 4.5);
  }
  progress->end(effect);
  if (!messages) return OK;
  messages->message(effect, "OfxMessageMessage", "m", "%d of %.2f %s %5.1f%% %c %ld %g %d %d %d %s", -3, 1.5, "steps", 99.95,
                    'x', -5000000000L, 0.125, 7, 8, 9, "end");
  return OK;
}

/* Says, where "fault" asks for it, what there is of the host, of the instance and of its clip at CreateInstance. */
static Status create(const void *effect) {
  char text[300], *type = "none";
  int connected = -1, contexts = 0, value, fault;
  double time;
  const TimeLineSuite *timeline = host->fetchSuite(host->host, "OfxTimeLineSuite", 1);
  Handle p, clip;
  params->getValue(param(effect, "fault"), &fault);
  if (fault != TELL || !messages) return OK;
  effects->getPropertySet(effect, &p);
  if (props->getString(p, "OfxPropType", 0, &type)) type = "none";
  snprintf(text, sizeof text, "type=%s loads=%d unloads=%d", type, loads, unloads);
  if (effects->clipGetHandle(effect, "Source", &clip, &p) == OK) props->getInt(p, "OfxImageClipPropConnected", 0, &connected);
  snprintf(text + strlen(text), sizeof text - strlen(text), " connected=%d", connected);
  effects->getPropertySet(effect, &p);
  props->dimension(host->host, "OfxImageEffectPropSupportedContexts", &contexts);
  snprintf(text + strlen(text), sizeof text - strlen(text), " contexts=%d path=%d set=%d get=%d timeline=%d", contexts, path,
           props->setInt(p, "OfxNoSuchProperty", 0, 1), props->getInt(p, "OfxNoSuchEither", 0, &value),
           timeline->getTime((Handle)effect, &time));
  messages->message(effect, "OfxMessageLog", "c", text);
  return OK;
}

static Status region(const void *effect, Handle in, Handle out) {
  double time, box[4];
  int wanted, i;
  Handle clip;
  RectD source;
  props->getDouble(in, "OfxPropTime", 0, &time);
  params->getValueAtTime(param(effect, "region"), time, &wanted);
  if (wanted == SOURCES) return DEFAULT;
  for (i = 0; i < 4; ++i) box[i] = i < 2 ? INT_MIN : INT_MAX;
  if (wanted != INFINITE) {
    if (effects->clipGetHandle(effect, "Source", &clip, 0) || effects->clipGetRegionOfDefinition(clip, time, &source))
      return FAILED;
    memcpy(box, &source, sizeof box);
  }
  if (wanted == GROWN) box[0] -= 3, box[3] += 2;
  if (wanted == HUGE_ONE) box[2] = 1e7;
  if (wanted == NO_NUMBER) box[1] = strtod("nan", 0);
  if (wanted == EMPTY) box[2] = box[0];
  for (i = 0; i < 4; ++i) props->setDouble(out, "OfxImageEffectPropRegionOfDefinition", i, box[i]);
  return OK;
}

typedef struct { char *data; int bounds[4]; int row, channels; } Picture;

static Picture picture(Handle image) {
  Picture p;
  char *components;
  void *data;
  props->getPointer(image, "OfxImagePropData", 0, &data);
  props->getIntN(image, "OfxImagePropBounds", 4, p.bounds);
  props->getInt(image, "OfxImagePropRowBytes", 0, &p.row);
  props->getString(image, "OfxImageEffectPropComponents", 0, &components);
  p.channels = strcmp(components, "OfxImageComponentRGB") ? 4 : 3;
  p.data = data;
  return p;
}

static float *at(const Picture *p, int x, int y) {
  return (float *)(p->data + (ptrdiff_t)(y - p->bounds[1]) * p->row + (ptrdiff_t)(x - p->bounds[0]) * p->channels * 4);
}

typedef struct { Picture from, to; int window[4]; double gain, offset[3]; int red, skip; Handle mutex; int rows; } Job;

static void work(unsigned int index, unsigned int count, void *argument) {
  Job *job = argument;
  for (int y = job->window[1] + (int)index; y < job->window[3]; y += (int)count) {
    if (job->skip && y % 2) continue;
    for (int x = job->window[0]; x < job->window[2]; ++x) {
      int inside = x >= job->from.bounds[0] && x < job->from.bounds[2] && y >= job->from.bounds[1] && y < job->from.bounds[3];
      float *to = at(&job->to, x, y);
      for (int c = 0; c < job->to.channels; ++c) {
        float value = inside ? at(&job->from, x, y)[c] : 0;
        int works = c < 3 && (!job->red || c == 0);
        to[c] = works ? (float)(value * job->gain + job->offset[c]) : value;
      }
    }
    threads->lock(job->mutex);
    job->rows++;
    threads->unLock(job->mutex);
  }
}

static Status render(const void *effect, Handle in) {
  Handle clip, source = 0, output = 0, other = 0, p;
  Job job;
  double time;
  int fault, channels, negate;
  char *note, *kept = 0;
  memset(&job, 0, sizeof job);
  props->getDouble(in, "OfxPropTime", 0, &time);
  props->getIntN(in, "OfxImageEffectPropRenderWindow", 4, job.window);
  params->getValueAtTime(param(effect, "gain"), time, &job.gain);
  params->getValueAtTime(param(effect, "offset"), time, &job.offset[0], &job.offset[1], &job.offset[2]);
  params->getValueAtTime(param(effect, "fault"), time, &fault);
  params->getValueAtTime(param(effect, "channels"), time, &channels);
  params->getValueAtTime(param(effect, "negate"), time, &negate);
  params->getValueAtTime(param(effect, "note"), time, &note);
  if (negate) job.gain = -job.gain;
  job.red = channels == 1;
  job.skip = fault == SKIP_ROWS;
  if (fault == FAIL) {
    if (messages) messages->setPersistent(effect, "OfxMessageError", "f", "no %s of %d", "picture", 7);
    return FAILED;
  }
  effects->getPropertySet(effect, &p);
  if (fault == KEPT_STRING) {
    props->getString(p, "OfxImageEffectPropContext", 0, &kept);
    props->getDouble(in, "OfxPropTime", 0, &time);
    if (!strcmp(kept, "OfxImageEffectContextFilter")) job.gain += 1; /* the string is no longer what it was */
  }
  if (fault == WRONG_TYPE) props->getInt(in, "OfxPropTime", 0, &channels);
  if (fault == BAD_HANDLE) props->getInt((Handle)64, "OfxPropTime", 0, &channels);
  if (fault == READ_WITHOUT_TIME) params->getValue(param(effect, "gain"), &job.gain);
  if (fault == SET_IN_RENDER) params->setValue(param(effect, "gain"), 1.0);
  if (fault == LEAK_MEMORY) memory->alloc(effect, 100, &leaked);
  clip = 0;
  if (effects->clipGetHandle(effect, "Source", &clip, 0)) effects->clipGetHandle(effect, "SourceFrom", &clip, 0);
  if (fault == OTHER_TIME && effects->clipGetImage(clip, time + 1, 0, &other) == OK) effects->clipReleaseImage(other);
  if (clip && effects->clipGetImage(clip, time, 0, &source)) return FAILED;
  effects->clipGetHandle(effect, "Output", &clip, 0);
  if (effects->clipGetImage(clip, time, 0, &output)) return FAILED;
  if (source) job.from = picture(source);
  job.to = picture(output);
  threads->create(&job.mutex, 0);
  threads->multiThread(work, 2, &job);
  threads->destroy(job.mutex);
  if (fault == OUTSIDE_WINDOW) at(&job.to, job.to.bounds[0], job.window[3] < job.to.bounds[3] ? job.window[3] : job.window[1] - 1)[0] = 5;
  if (fault == OUTSIDE_IMAGE) at(&job.to, job.to.bounds[0], job.to.bounds[3])[0] = 5;
  if (fault == CHANGE_INPUT) at(&job.from, job.from.bounds[0], job.from.bounds[1])[0] += 1;
  if (source && fault != KEEP_IMAGE) effects->clipReleaseImage(source);
  if (fault == RELEASE_TWICE) effects->clipReleaseImage(source);
  effects->clipReleaseImage(output);
  return fault == ODD_STATUS ? 77 : OK;
}

static Status mainEntry(const char *action, const void *handle, Handle in, Handle out) {
  if (!strcmp(action, "OfxActionLoad")) {
    props = host->fetchSuite(host->host, "OfxPropertySuite", 1);
    effects = host->fetchSuite(host->host, "OfxImageEffectSuite", 1);
    params = host->fetchSuite(host->host, "OfxParameterSuite", 1);
    memory = host->fetchSuite(host->host, "OfxMemorySuite", 1);
    threads = host->fetchSuite(host->host, "OfxMultiThreadSuite", 1);
    messages = host->fetchSuite(host->host, "OfxMessageSuite", 2);
    if (messages && !messages->message) messages = 0;
    progress = host->fetchSuite(host->host, "OfxProgressSuite", 2);
    if (host->fetchSuite(host->host, "OfxNoSuchSuite", 1)) return FAILED;
    return loads++, OK;
  }
  if (!strcmp(action, "OfxActionUnload")) return unloads++, OK;
  if (!strcmp(action, "OfxActionCreateInstance")) return create(handle);
  if (!strcmp(action, "OfxImageEffectActionGetRegionOfDefinition")) return region(handle, in, out);
  if (!strcmp(action, "OfxActionDescribe")) return describe(handle);
  if (!strcmp(action, "OfxImageEffectActionDescribeInContext")) return describeInContext(handle, in);
  if (!strcmp(action, "OfxActionInstanceChanged")) return changed(handle, in);
  if (!strcmp(action, "OfxImageEffectActionRender")) return render(handle, in);
  return DEFAULT;
}

static void setHost(Host *given) { host = given; }

static Plugin plugin = {"OfxImageEffectPluginAPI", 1, "io.wetgate.test.gain", 1, 0, setHost, mainEntry};

__attribute__((visibility("default"))) int OfxGetNumberOfPlugins(void) { return 1; }
/* openfx's C++ support library reads past its table for any other number, so a host may not ask for one. */
__attribute__((visibility("default"))) Plugin *OfxGetPlugin(int nth) {
  if (nth != 0) abort();
  return &plugin;
}
