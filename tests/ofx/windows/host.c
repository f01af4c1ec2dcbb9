/* The smallest OFX host that renders a frame, for the Windows bundle: HOST.exe BUNDLE.ofx PLUGIN_ID FRAMES.
 *
 * One RGBA float picture of 16 x 9 goes in, of values that count up from 0; for each frame it prints the render's status,
 * the sum of what came out, and the last message. Everything is C; no header of OFX is needed. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

enum { OK = 0, FAILED = 1, UNKNOWN = 3, BAD_INDEX = 10, WIDTH = 16, HEIGHT = 9, MOST = 96 };
typedef struct { char name[64]; int used; char type; void *pointer[64]; char *text[64]; double number[64]; } Property;
typedef struct { Property list[MOST]; } Set;
typedef struct { char name[64]; char type[40]; Set set; } Param;

static Set host_set, effect_set, in_set, image_sets[8], clip_sets[8];
static char clip_names[8][32];
static Param params[256];
static int clip_count, param_count;
static float source[WIDTH * HEIGHT * 4], output[WIDTH * HEIGHT * 4];
static char said[4096];

static Property *find(Set *set, const char *name, int make) {
    for (int i = 0; i < MOST; ++i) {
        if (set->list[i].name[0] && strcmp(set->list[i].name, name) == 0) return &set->list[i];
        if (!set->list[i].name[0] && make) {
            strncpy(set->list[i].name, name, 63);
            return &set->list[i];
        }
    }
    return NULL;
}

static Property *slot(Set *set, const char *name, int index) {
    Property *found = set && index >= 0 && index < 64 ? find(set, name, 1) : NULL;
    if (found && index >= found->used) found->used = index + 1;
    return found;
}

static int set_pointer(Set *s, const char *n, int i, void *v) { Property *p = slot(s, n, i); if (p) p->pointer[i] = v; return p ? OK : UNKNOWN; }
static int set_string(Set *s, const char *n, int i, const char *v) { Property *p = slot(s, n, i); if (p) p->text[i] = _strdup(v); return p ? OK : UNKNOWN; }
static int set_double(Set *s, const char *n, int i, double v) { Property *p = slot(s, n, i); if (p) p->number[i] = v; return p ? OK : UNKNOWN; }
static int set_int(Set *s, const char *n, int i, int v) { return set_double(s, n, i, v); }
static Property *get(Set *s, const char *n, int i) { Property *p = s ? find(s, n, 0) : NULL; return p && i >= 0 && i < p->used ? p : NULL; }
static int get_pointer(Set *s, const char *n, int i, void **v) { Property *p = get(s, n, i); if (p) *v = p->pointer[i]; return p ? OK : UNKNOWN; }
static int get_string(Set *s, const char *n, int i, char **v) { Property *p = get(s, n, i); if (p && p->text[i]) *v = p->text[i]; return p && p->text[i] ? OK : UNKNOWN; }
static int get_double(Set *s, const char *n, int i, double *v) { Property *p = get(s, n, i); if (p) *v = p->number[i]; return p ? OK : UNKNOWN; }
static int get_int(Set *s, const char *n, int i, int *v) { Property *p = get(s, n, i); if (p) *v = (int)p->number[i]; return p ? OK : UNKNOWN; }
static int none(void) { return FAILED; }
static int reset(Set *s, const char *n) { (void)s; (void)n; return OK; }
static int dimension(Set *s, const char *n, int *count) { Property *p = s ? find(s, n, 0) : NULL; *count = p ? p->used : 0; return p ? OK : UNKNOWN; }

static int effect_properties(void *effect, Set **set) { (void)effect; *set = &effect_set; return OK; }
static int effect_params(void *effect, void **set) { (void)effect; *set = params; return OK; }
static int clip_of(const char *name) {
    for (int i = 0; i < clip_count; ++i)
        if (strcmp(clip_names[i], name) == 0) return i;
    return -1;
}
static int clip_define(void *effect, const char *name, Set **set) {
    (void)effect;
    strncpy(clip_names[clip_count], name, 31);
    *set = &clip_sets[clip_count++];
    return OK;
}
static int clip_handle(void *effect, const char *name, void **clip, Set **set) {
    const int place = clip_of(name);
    (void)effect;
    if (place < 0) return FAILED;
    *clip = &clip_sets[place];
    if (set) *set = &clip_sets[place];
    return OK;
}
static int clip_properties(void *clip, Set **set) { *set = clip; return OK; }
static int clip_image(void *clip, double time, const double *region, Set **image) {
    const int place = (int)((Set *)clip - clip_sets);
    const int is_output = strcmp(clip_names[place], "Output") == 0;
    static const int bounds[4] = {0, 0, WIDTH, HEIGHT};
    Set *made = &image_sets[is_output];
    (void)time;
    (void)region;
    set_pointer(made, "OfxImagePropData", 0, is_output ? output : source);
    for (int i = 0; i < 4; ++i) set_int(made, "OfxImagePropBounds", i, bounds[i]);
    set_int(made, "OfxImagePropRowBytes", 0, WIDTH * 16);
    set_string(made, "OfxImageEffectPropPixelDepth", 0, "OfxBitDepthFloat");
    set_string(made, "OfxImageEffectPropComponents", 0, "OfxImageComponentRGBA");
    set_string(made, "OfxImageEffectPropPreMultiplication", 0, "OfxImageAlphaUnPremultiplied");
    *image = made;
    return OK;
}
static int release(Set *image) { (void)image; return OK; }
static int clip_region(void *clip, double time, double *box) { (void)clip; (void)time; box[0] = box[1] = 0; box[2] = WIDTH; box[3] = HEIGHT; return OK; }
static int aborted(void *effect) { (void)effect; return 0; }

static int param_define(void *set, const char *type, const char *name, Set **properties) {
    Param *made = &params[param_count++];
    (void)set;
    strncpy(made->name, name, 63);
    strncpy(made->type, type, 39);
    if (properties) *properties = &made->set;
    return OK;
}
static int param_handle(void *set, const char *name, void **param, Set **properties) {
    (void)set;
    for (int i = 0; i < param_count; ++i)
        if (strcmp(params[i].name, name) == 0) {
            *param = &params[i];
            if (properties) *properties = &params[i].set;
            return OK;
        }
    return UNKNOWN;
}
static int give(Param *param, va_list into) {
    Property *standard = find(&param->set, "OfxParamPropDefault", 1);
    const int count = strstr(param->type, "RGB") ? 3 : strstr(param->type, "2D") ? 2 : 1;
    if (strstr(param->type, "String")) *va_arg(into, char **) = standard->text[0] ? standard->text[0] : "";
    else if (strstr(param->type, "Double") || count == 3)
        for (int i = 0; i < count; ++i) *va_arg(into, double *) = standard->number[i];
    else *va_arg(into, int *) = (int)standard->number[0];
    return OK;
}
static int value(Param *param, ...) { va_list rest; va_start(rest, param); const int made = give(param, rest); va_end(rest); return made; }
static int value_at(Param *param, double time, ...) { va_list rest; va_start(rest, time); const int made = give(param, rest); va_end(rest); return made; }
static int set_value(Param *param, ...) {
    va_list rest;
    va_start(rest, param);
    if (strstr(param->type, "String")) set_string(&param->set, "OfxParamPropDefault", 0, va_arg(rest, char *));
    va_end(rest);
    return OK;
}
static int message(void *effect, const char *type, const char *id, const char *format, ...) {
    va_list rest;
    (void)effect; (void)type; (void)id;
    va_start(rest, format);
    vsnprintf(said, sizeof said, format, rest);
    va_end(rest);
    return OK;
}

typedef void *Slot;
static Slot property_suite[] = {(Slot)set_pointer, (Slot)set_string, (Slot)set_double, (Slot)set_int, (Slot)none, (Slot)none, (Slot)none, (Slot)none,
                                (Slot)get_pointer, (Slot)get_string, (Slot)get_double, (Slot)get_int, (Slot)none, (Slot)none, (Slot)none, (Slot)none,
                                (Slot)reset, (Slot)dimension};
static Slot effect_suite[] = {(Slot)effect_properties, (Slot)effect_params, (Slot)clip_define, (Slot)clip_handle, (Slot)clip_properties, (Slot)clip_image,
                              (Slot)release, (Slot)clip_region, (Slot)aborted, NULL, NULL, NULL, NULL};
static Slot param_suite[] = {(Slot)param_define, (Slot)param_handle, NULL, NULL, (Slot)value, (Slot)value_at, NULL, NULL, (Slot)set_value,
                             NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL};
static Slot message_suite[] = {(Slot)message};

static const void *suite(void *handle, const char *name, int version) {
    (void)handle;
    if (strcmp(name, "OfxPropertySuite") == 0) return property_suite;
    if (strcmp(name, "OfxImageEffectSuite") == 0) return effect_suite;
    if (strcmp(name, "OfxParameterSuite") == 0) return param_suite;
    return strcmp(name, "OfxMessageSuite") == 0 && version == 1 ? message_suite : NULL;
}

static struct { void *host; const void *(*fetch)(void *, const char *, int); } host = {&host_set, suite};
typedef struct { const char *api; int version; const char *id; unsigned major, minor; void (*set_host)(void *); int (*entry)(const char *, const void *, Set *, Set *); } Plugin;

int main(int count, char **argument) {
    if (count != 4) return 9;
    HMODULE library = LoadLibraryA(argument[1]);
    if (!library) { printf("LoadLibrary: %lu\n", GetLastError()); return 2; }
    int (*number)(void) = (int (*)(void))(void *)GetProcAddress(library, "OfxGetNumberOfPlugins");
    Plugin *(*nth)(int) = (Plugin *(*)(int))(void *)GetProcAddress(library, "OfxGetPlugin");
    if (!number || !nth) return 3;
    Plugin *plugin = NULL;
    for (int i = 0; i < number(); ++i)
        if (strcmp(nth(i)->id, argument[2]) == 0) plugin = nth(i);
    if (!plugin) return 4;
    set_string(&host_set, "OfxPropName", 0, "io.wetgate.windows-test");
    plugin->set_host(&host);
    set_string(&in_set, "OfxImageEffectPropContext", 0, "OfxImageEffectContextFilter");
    const char *actions[] = {"OfxActionLoad", "OfxActionDescribe", "OfxImageEffectActionDescribeInContext", "OfxActionCreateInstance"};
    for (int i = 0; i < 4; ++i) {
        const int status = plugin->entry(actions[i], i == 0 ? NULL : &effect_set, i == 2 ? &in_set : NULL, NULL);
        if (status != OK) { printf("%s: %d %s\n", actions[i], status, said); return 5; }
    }
    for (int i = 0; i < WIDTH * HEIGHT * 4; ++i) source[i] = (float)i;
    for (int frame = 0; frame < atoi(argument[3]); ++frame) {
        double sum = 0;
        said[0] = 0;
        memset(output, 0, sizeof output);
        set_double(&in_set, "OfxPropTime", 0, frame);
        const int status = plugin->entry("OfxImageEffectActionRender", &effect_set, &in_set, NULL);
        for (int i = 0; i < WIDTH * HEIGHT * 4; ++i) sum += output[i];
        printf("frame %d: %d, %.0f, %s\n", frame, status, sum, said);
        fflush(stdout);
    }
    plugin->entry("OfxActionDestroyInstance", &effect_set, NULL, NULL);
    plugin->entry("OfxActionUnload", NULL, NULL, NULL);
    printf("unloaded: %d\n", FreeLibrary(library) && GetModuleHandleA("Wetgate.ofx") == NULL);
    return 0;
}
