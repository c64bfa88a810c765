"use strict";
/* Which colour a leaf has: by its size, by what is allowed, by what the hardware noted, or by what changed. */

const SIZE_WORDS = ["4 KiB", "2 MiB", "1 GiB"];
const PALETTES = {
  size: {
    words: SIZE_WORDS,
    colours: ["--series-1", "--series-2", "--series-3"],
    of: (space, run) => space.runs.level[run],
  },
  rights: {
    words: ["no access", "read-only", "write-only", "read-write"],
    colours: ["--series-6", "--series-2", "--series-5", "--series-1"],
    of: (space, run, attributes) => attributes[space.runs.attribute[run]].rights,
  },
  dirty: {
    words: ["neither", "accessed", "dirty"],
    colours: ["--series-6", "--series-1", "--series-3"],
    of: (space, run, attributes) => {
      const attribute = attributes[space.runs.attribute[run]];
      return attribute.dirty ? 2 : attribute.accessed ? 1 : 0;
    },
  },
  change: {
    words: CHANGES,
    colours: ["--series-6", "--series-2", "--error", "--series-5", "--series-4", "--series-1", "--series-3", "--warning"],
    of: (space, run) => space.runs.change[run],
  },
};

function css(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
