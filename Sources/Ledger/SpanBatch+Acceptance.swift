import Locks
import OTLP
import Spool

extension SpanBatch {
  /// When the request was accepted, perhaps by an earlier run: nanoseconds since the Unix epoch, by today's clock.
  var acceptance: UInt64 {
    let wall = WallClock.now()
    guard let record else { return wall }
    let now = SpoolClock.now()
    return wall - min(wall, now - min(now, record.arrival))
  }
}
