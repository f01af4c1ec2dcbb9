// The parameters that every plug-in has beside its node's own. Names and the order of choices are in saved projects: append only.
#pragma once

namespace wetgate::own {

inline constexpr char input_space[] = "input_space";
inline constexpr char input_space_name[] = "input_space_name";
inline constexpr char output_space[] = "output_space";
inline constexpr char output_space_name[] = "output_space_name";
inline constexpr char mask_input[] = "mask_input";
inline constexpr char field_order[] = "field_order";
inline constexpr char split_view[] = "split_view";
inline constexpr char split_position[] = "split_position";
inline constexpr char on_error[] = "on_error";
inline constexpr char records[] = "records";
inline constexpr char version[] = "wetgate_version";
inline constexpr char analysis[] = "wetgate_analysis";
inline constexpr char analysis_first[] = "analysis_first";
inline constexpr char analysis_last[] = "analysis_last";
inline constexpr char analyse[] = "analyse";
inline constexpr char found[] = "found";

enum OnError : int { fail = 0, pass = 1 };
enum MaskInput : int { ask_mask = 0, use_mask = 1, ignore_mask = 2 };
enum FieldOrder : int { frame = 0, upper_first = 1, lower_first = 2 };

}  // namespace wetgate::own
