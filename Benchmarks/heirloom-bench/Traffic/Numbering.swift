/// A run's ids and end users, all functions of the seed that can be undone.
///
/// Traces are numbered from 0, and so are spans: span `s` of trace `t` is number `10 t + s`, where `s` = 0 is the root.
/// Ids are these numbers scrambled by a bijection, so none comes twice, and the sink can tell from an id what it is of
/// and which identity belongs on it without keeping a table.
struct Numbering: Sendable {
  static let spansPerTrace = 10

  /// Added to a number before it is scrambled. The lowest bits come from the seed; the highest bits see to it that no
  /// number below 2^62 makes zero, the only one whose scrambled form is the forbidden all-zero id.
  private let traceOffset: UInt64
  private let checkOffset: UInt64
  private let spanOffset: UInt64
  private let users: UInt64
  private let peopleOffset: UInt64

  /// - Parameters:
  ///   - seed: equal seeds make equal traffic.
  ///   - users: how many end users there are, at most 100 million.
  init(seed: UInt64, users: Int) {
    precondition(1...100_000_000 ~= users, "a user number has eight digits")
    var random = RandomNumbers(seed: seed)
    func offset() -> UInt64 { random.next() >> 2 | 1 << 63 }
    traceOffset = offset()
    checkOffset = offset()
    spanOffset = offset()
    peopleOffset = offset()
    self.users = UInt64(users)
  }

  /// The two halves of a trace id, as they are stored. The second adds nothing but a check.
  @inline(__always)
  func traceID(_ trace: Int) -> (UInt64, UInt64) {
    (scramble(UInt64(trace) &+ traceOffset), scramble(UInt64(trace) &+ checkOffset))
  }

  /// The number of a trace; nil when no run with this seed has such an id.
  @inline(__always)
  func trace(of id: (UInt64, UInt64)) -> Int? {
    let trace = unscramble(id.0) &- traceOffset
    guard scramble(trace &+ checkOffset) == id.1 else { return nil }
    return Int(exactly: trace)
  }

  @inline(__always)
  func spanID(_ span: Int) -> UInt64 {
    scramble(UInt64(span) &+ spanOffset)
  }

  /// The number of a span. Any id has one: whether it is within the run is for the caller to see.
  @inline(__always)
  func span(of id: UInt64) -> Int? {
    Int(exactly: unscramble(id) &- spanOffset)
  }

  /// Who a trace belongs to. Five traces make a session of one user; they come some time apart, so that neighbours in
  /// a request are different people.
  @inline(__always)
  func identity(of trace: Int) -> Identity {
    let tracesPerSession = 5
    let openSessions = 64
    let block = trace / (tracesPerSession * openSessions)
    let session = UInt64(block * openSessions + trace % openSessions)
    let scrambled = scramble(session &+ peopleOffset)
    return Identity(user: UInt32(scrambled % users), session: scrambled)
  }
}

/// The finalizer of SplitMix64: a bijection on 64-bit numbers that looks random.
@inline(__always)
private func scramble(_ number: UInt64) -> UInt64 {
  var z = number
  z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
  z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
  return z ^ z >> 31
}

/// Undoes `scramble`: the same steps backwards, with the multiplicative inverses of the factors.
@inline(__always)
private func unscramble(_ number: UInt64) -> UInt64 {
  var z = number
  z = (z ^ z >> 31 ^ z >> 62) &* 0x3196_42B2_D24D_8EC3
  z = (z ^ z >> 27 ^ z >> 54) &* 0x96DE_1B17_3F11_9089
  return z ^ z >> 30 ^ z >> 60
}

/// SplitMix64.
struct RandomNumbers: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return scramble(state)
  }
}
