import Glibc

/// Where an answer is shown.
struct Screen {
  /// Columns of the terminal; nil where there is none, so that nothing is cut.
  let width: Int?
  let hasColours: Bool
  /// Whether a person watches: then times are told from now.
  let isTerminal: Bool
  let now: Moment

  init(width: Int?, hasColours: Bool, isTerminal: Bool, now: Moment) {
    self.width = width
    self.hasColours = hasColours
    self.isTerminal = isTerminal
    self.now = now
  }

  /// What standard output leads to. In the environment, `NO_COLOR` and `TERM=dumb` mean no colours.
  static func standardOutput(environment: (String) -> String?) -> Screen {
    let isTerminal = isatty(STDOUT_FILENO) == 1
    let isPlain = environment("NO_COLOR")?.isEmpty == false || ["dumb", nil].contains(environment("TERM"))
    return Screen(
      width: columns(of: STDOUT_FILENO), hasColours: isTerminal && !isPlain, isTerminal: isTerminal, now: .now())
  }

  /// Columns of the terminal that a descriptor leads to; nil where there is none.
  static func columns(of descriptor: Int32) -> Int? {
    guard isatty(descriptor) == 1 else { return nil }
    var size = winsize()
    let isKnown = ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    return isKnown ? Int(size.ws_col) : 80
  }

  /// A time of the API: how long ago for a person, as it is for a program.
  func time(_ text: String?) -> String {
    guard let text else { return Readable.unknown }
    guard isTerminal, let moment = Moment(text) else { return text }
    return moment.ago(now)
  }
}
