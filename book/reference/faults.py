# %% [markdown]
# # Faults that were injected
#
# Real files and machines are worse than test data. The first table lists what public reports say of programs of this
# kind, with the answer of `bnet` and the test that keeps it; then come files altered at random, and work that is killed while it
# writes. {doc}`developers` describes the code.

# %% tags=["remove-input"]
import pandas as pd

from bnet.audit import measured
from bnet.book import myst

FAULTS = [
    ("MP3s joined end to end, of other rates or channels", "refused; the second is named",
     "test_joined_mp3_of_other_rate_or_channels_is_refused_by_name"),
    ("chained Ogg; other formats joined, or two formats", "refused; the second is named",
     "test_files_of_two_formats_that_are_joined_are_refused"),
    ("FLAC written to a pipe, and cut FLAC", "trains; a cut file is refused by check and features alike",
     "test_features_of_a_folder_and_its_check_agree_on_flac"),
    ("a class called NA, null, 1e3, label, part", "a class; records come back exactly",
     "test_records_of_any_classes_round_trip"),
    ("names whose bytes are not UTF-8", "work, shown with escapes",
     "test_names_that_are_not_utf_8_work_and_are_shown_with_escapes"),
    ("a link to a folder above", "each file once, and said", "test_links_that_lead_back_are_not_followed"),
    ("a folder that may not be read", "left out, and named", "test_a_folder_that_cannot_be_looked_into_is_named_once"),
    ("few clips or groups per class", "validation holds every class, or training is refused with the number needed",
     "test_training_and_validation_hold_every_class_however_small"),
    ("files without features that were all of a class in validation", "training is refused; the class is named",
     "test_lost_tracks_may_not_take_a_class_from_training_or_validation"),
    ("read-only installation without a home", "works; compiled code is not kept, and bnet doctor says so",
     "test_a_read_only_installation_without_a_home_works_uncached"),
    ("a page's parameter given as text, such as false", "has the type of its default, or is refused by name",
     "test_a_parameter_given_as_text_has_the_type_of_its_default"),
    ("dollar signs, underscores, angle brackets in names", "shown as typed",
     "test_names_are_shown_as_typed_in_tables_and_captions"),
    ("M4A, WMA, MP2, AAC in a class's folder", "counted and named, with the command that converts them",
     "test_formats_that_cannot_be_read_are_counted_and_named"),
    ("one format under the name of another", "told what it holds, with the command that converts it",
     "test_a_format_under_another_name_is_told"),
    ("a size of 0 in the header, as a pipe leaves it", "read to its end, in WAV, AU, AIFF, CAF, W64 and RF64",
     "test_other_files_from_a_pipe_are_read_to_their_end"),
    ("channels in antiphase, lossy ones too", "refused as channels that cancel, with what to do",
     "test_channels_that_cancel_but_for_what_a_codec_adds"),
    ("FLAC with the tags of an MP3 behind it, empty ones too", "read to its end",
     "test_flac_with_the_tags_of_an_mp3_is_read_and_checked"),
    ("MP3 with a picture at its end and no header", "read whole, the same at once and block by block",
     "test_mp3_with_a_cover_at_its_end_and_no_header"),
    ("what macOS writes beside an MP3 (._name.mp3)", "does not matter",
     "test_what_macos_writes_beside_a_file_does_not_matter"),
    ("standard error closed", "works", "test_standard_error_may_be_closed"),
    ("minutes of silence before the music", "silent windows have no vote, and that is said",
     "test_silent_windows_have_no_vote_and_that_is_said"),
    ("whole Ogg, Vorbis or Opus, without its end mark", "read; a cut one is refused",
     "test_whole_ogg_without_the_end_of_stream_flag_is_read"),
    ("a rare format (NIST, AVR, MAT, VOC, SVX) that is cut", "refused, by the length in its header",
     "test_a_rare_format_that_is_cut_is_refused"),
    ("any word as a group in groups.csv", "a group", "test_any_word_is_a_group_but_none"),
    ("too little memory under ulimit -v", "one message", "test_too_little_memory_is_one_message"),
    ("no room for the output", "one message", "test_no_room_for_the_output_is_one_message"),
    ("settings of a profile changed by hand", "shown by these settings",
     "test_runs_with_changed_settings_are_shown_by_these"),
    ("messages of decoders", "kept off the screen", "test_nothing_is_printed_by_the_decoder"),
    ("a folder without sound beside one with sound", "the one is done, the other named",
     "test_a_folder_without_sound_beside_one_with_sound_is_named"),
]  # fmt: skip
myst.table(
    pd.DataFrame([(fault, answer, f"`{test}`") for fault, answer, test in FAULTS], columns=["Fault", "Answer", "Test"]),
    "What people's files and machines are like, and what happens.",
    "tab-faults-reports",
    cards=True,
)

# %% [markdown]
# ## Altered at random
#
# `benchmarks/fuzz.py` cuts, joins and alters files of every format that libsndfile writes, archives of every kind that `bnet`
# unpacks, and pictures. What comes out must be audio, files, a picture or one message: no other error, no hang, no file outside
# its folder, and no audio of a truncated or concatenated file lost without a message. `make test` tries some hundred.

# %% tags=["remove-input"]
fuzz, crashes = measured.read("fuzz"), measured.read("crashes")
if fuzz:
    rows = [(row["what"], row["examples"], f"{row['seconds']:.0f}", len(row["findings"])) for row in fuzz["rows"]]
    myst.table(
        pd.DataFrame(rows, columns=["Files", "Examples", "Seconds", "Findings"]),
        f"The last long run, on {fuzz['date']}.",
        "tab-faults-fuzz",
    )
else:
    myst.not_run("The fuzz has no record yet.", "python benchmarks/fuzz.py")

# %% [markdown]
# ## Killed at every write
#
# `benchmarks/crashes.py` kills a process when it is about to open its *n*-th file for writing, or to make, rename or remove its
# *n*-th file or folder, for every *n* that there is; then the same work is done again. A kill is survived if the files are
# then, byte for byte, those of an uninterrupted run.

# %% tags=["remove-input"]
if crashes:
    rows = [(row["what"], row["killed"], row["survived"]) for row in crashes["rows"]]
    myst.table(
        pd.DataFrame(rows, columns=["Work", "Points of a kill", "Survived"]),
        f"Kills, on {crashes['date']}.",
        "tab-faults-crashes",
    )
else:
    myst.not_run("The kills have no record yet.", "python benchmarks/crashes.py")
