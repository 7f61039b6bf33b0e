import Spool
import Testing

@Suite("Spool records")
struct SpoolRecordTests {
  private final class Keeper: SpoolRecord.Keeper {
    func noteChange(of record: SpoolRecord) {}
  }

  @Test("Units are done once, whatever the ranges overlap")
  func units() {
    let keeper = Keeper()
    let record = SpoolRecord(
      sequence: 7, unitCount: 200, arrival: 1, place: SpoolPlace(segment: 1, offset: 64, length: 1000), keeper: keeper)
    record.markDone(0, count: 1)
    record.markDone(60, count: 80)
    record.markDone(100, count: 64)
    #expect(record.remainingCount == 200 - 1 - 104)
    #expect(record.isDone(0) && !record.isDone(1) && !record.isDone(59) && record.isDone(60))
    #expect(record.isDone(163) && !record.isDone(164))
    record.markAllDone()
    #expect(record.remainingCount == 0)
    withExtendedLifetime(keeper) {}
  }
}
