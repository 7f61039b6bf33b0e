@testable import Collector
@testable import EndUser
import Locks
import OTLP
import SelfTelemetry
import TestSupport
import Testing

struct ResolutionLogTests {
  private let lines = Collected<String>()
  private let now = Locked<UInt64>(5_000_000_000)

  private func makeLog() -> ResolutionLog {
    ResolutionLog(Log { [lines] in lines.append($0) }, clock: { [now] in now.withLock { $0 } })
  }

  private func resolution(
    endUser: String? = "ann", session: String? = nil, waited: UInt64 = 0, because reason: Unattributed? = nil
  ) -> Resolution {
    Resolution(
      traceID: TraceID(first: UInt64(0x0102_0304_0506_0708).bigEndian, second: UInt64(0xA0).bigEndian),
      endUser: endUser, session: session, spans: 12, waited: waited, unattributed: reason)
  }

  /// The lines without their times.
  private var texts: [String] { lines.all.map { $0.split(separator: "\t").dropFirst().joined(separator: " ") } }

  private static let id = "trace_id=010203040506070800000000000000a0"

  @Test func `a resolved trace has a line that says whose it is`() {
    let log = makeLog()
    log.tell(resolution(session: "s-1", waited: 61_002_999_999))
    log.tell(resolution(endUser: "bö b"))
    #expect(
      texts == [
        "info trace resolved \(Self.id) end_user=ann session=s-1 spans=12 waited=61.002s\n",
        "info trace resolved \(Self.id) end_user=bö b session=- spans=12 waited=0.000s\n",
      ])
  }

  @Test func `a trace that is nobody's has a line that says why`() {
    let log = makeLog()
    log.tell(resolution(endUser: nil, session: "s", waited: 999_999, because: .rootWait))
    log.tell(resolution(endUser: nil, waited: 100_000_000))
    #expect(
      texts == [
        "info trace unattributed \(Self.id) reason=root_wait session=s spans=12 waited=0.000s\n",
        "info trace unattributed \(Self.id) reason=- session=- spans=12 waited=0.100s\n",
      ])
  }

  @Test func `an end user can't forge a line`() {
    makeLog().tell(resolution(endUser: "ann\n2026-01-01T00:00:00.000Z\tinfo\ttrace resolved\tend_user=bob"))
    #expect(lines.all.count == 1)
    #expect(lines.all[0].utf8.count { $0 == UInt8(ascii: "\n") } == 1)
    #expect(!lines.all[0].contains("\tend_user=bob"))
  }

  @Test func `of each second fifty lines are written, and then the number of the others`() {
    let log = makeLog()
    for _ in 0..<50 { log.tell(resolution()) }
    #expect(lines.all.count == 50)
    for _ in 0..<30 { log.tell(resolution()) }
    now.withLock { $0 += 999_999_999 }
    for _ in 0..<12 { log.tell(resolution()) }
    #expect(lines.all.count == 50)
    now.withLock { $0 += 1 }
    for _ in 0..<60 { log.tell(resolution()) }
    #expect(lines.all.count == 101)
    #expect(texts[50] == "info more traces resolved traces=42\n")
    #expect(texts.count { $0.contains("more traces") } == 1)
    now.withLock { $0 += 5_000_000_000 }
    log.tell(resolution())
    #expect(texts[101] == "info more traces resolved traces=10\n")
    #expect(lines.all.count == 103)
  }

  @Test func `the number of the others is told at the end too, once`() {
    let log = makeLog()
    for _ in 0..<53 { log.tell(resolution()) }
    log.finish()
    log.finish()
    #expect(lines.all.count == 51)
    #expect(texts.last == "info more traces resolved traces=3\n")
    let quiet = makeLog()
    quiet.finish()
    #expect(lines.all.count == 51)
  }
}
