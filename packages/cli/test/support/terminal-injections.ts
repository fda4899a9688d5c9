/** What answers, transcripts and messages of others have been used to do to terminals. */
export const TERMINAL_INJECTIONS: readonly (readonly [what: string, text: string])[] = [
  ['CSI: clears the screen', '\u001B[2J\u001B[H'],
  ['CSI: draws over the line above', '\u001B[1A\u001B[2K✓ verified'],
  ['CSI: hides text (SGR 8)', '\u001B[8mhidden\u001B[28m'],
  ['CSI: a colour of ours', '\u001B[32m✓ accepted\u001B[39m'],
  ['CSI: asks for the cursor, and types the reply', '\u001B[6n'],
  ['CSI: reports the title as if it were typed', '\u001B[21t'],
  ['CSI: another screen', '\u001B[?1049h'],
  ['CSI: ends a bracketed paste', '\u001B[201~rm -rf ~\r'],
  ['CSI: maps keys (xterm modifyOtherKeys)', '\u001B[>4;2m'],
  ['OSC 0: sets the title', '\u001B]0;owned\u0007'],
  [
    'OSC 8: a link that says one thing and leads to another',
    '\u001B]8;;https://evil.example\u001B\\sotto\u001B]8;;\u001B\\',
  ],
  ['OSC 52: fills the clipboard', '\u001B]52;c;cm0gLXJmIH4=\u0007'],
  ['OSC 1337: writes a file (iTerm2)', '\u001B]1337;File=name=YQ==;inline=0:YQ==\u0007'],
  ['OSC 50: reads a font, which runs what it says (rxvt)', '\u001B]50;?\u0007'],
  ['DCS: asks for a capability', '\u001BP+q544e\u001B\\'],
  ['DCS: passes through tmux', '\u001BPtmux;\u001B\u001B]52;c;YQ==\u0007\u001B\\'],
  ['APC, PM and SOS', '\u001B_Gf=100;AAAA\u001B\\\u001B^x\u001B\\\u001BXx\u001B\\'],
  ['RIS: resets', '\u001Bc'],
  ['line drawing', '\u001B(0'],
  ['C1 in UTF-8: CSI', '\u009B2J'],
  ['C1 in UTF-8: OSC 52 with ST', '\u009D52;c;YQ==\u009C'],
  ['C1 in UTF-8: DCS', '\u0090+q544e\u009C'],
  ['C1 in UTF-8: next line, reverse index', '\u0085\u008D'],
  ['carriage return: a line over a line', 'refused\raccepted'],
  ['backspaces', 'evil\b\b\b\bgood'],
  ['bell, vertical tab, form feed, delete, shift out', '\u0007\u000B\u000C\u007F\u000E'],
  ['NUL and the end of file', '\u0000\u0004\u001A'],
  ['bidi override', 'file\u202Egpj.exe'],
  ['bidi isolates', '\u2066x\u2067y\u2068z\u2069'],
  ['bidi marks', '\u200E\u200F\u061C'],
  ['zero-width and tag characters', 'a\u200Bb\u2060c\uFEFFd\u{E0041}\u{E007F}'],
  ['line and paragraph separators', 'a\u2028b\u2029c'],
  ['halves of characters', '\uD83D x \uDE00'],
]

/** What none of a text may still have when it reaches a terminal. Written out: not the expression of the source. */
export const STEERS: RegExp =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u00AD\u061C\u200B\u200E\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]|\uDB40[\uDC00-\uDC7F]/
