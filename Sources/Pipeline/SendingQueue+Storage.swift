import Locks
import OTLP
import SelfTelemetry
import Spool

/// What a store adds to a queue.
extension SendingQueue {
  // Loading, on the queue's thread

  func load(_ record: SpoolRecord) {
    guard let store else { return }
    var request: EncodedRequest?
    var problem = ""
    do throws(SpoolError) {
      let bytes = try store.load(record)
      request = bytes.withUnsafeBytes {
        EncodedRequest(
          copying: $0, signal: signal, itemCount: EncodedRequest.itemCount(of: $0, signal: signal))
      }
    } catch {
      problem = error.description
    }
    let passedOver = change { schedule in schedule.loaded(request, now: now()) }
    if request == nil {
      metrics.sendFailed.add(passedOver)
      loading.failed(problem, items: passedOver)
    } else {
      loading.succeeded()
    }
  }

  // Storing, on a thread of its own: a slow disk holds no delivery up

  func runStore(_ store: any RequestStore) {
    restore(store)
    lock.lock()
    while let step = schedule.nextStore(now: now()) {
      if case .wait(let time) = step {
        lock.wait(until: time)
        continue
      }
      lock.unlock()
      switch step {
      case .append(let request): append(request, to: store)
      case .sync(let order):
        store.whenSynced { [weak self] isDone in
          guard let self else { return }
          change { schedule in schedule.synced(upTo: order, isDone: isDone, now: self.now()) }
        }
      case .wait: break
      }
      lock.lock()
    }
    lock.unlock()
  }

  private func append(_ request: EncodedRequest, to store: any RequestStore) {
    var record: SpoolRecord?
    do throws(SpoolError) {
      record = try store.append(request)
      storing.succeeded()
    } catch {
      storing.failed(error.description, items: request.itemCount)
    }
    change { schedule in schedule.stored(record, now: now()) }
  }

  private func restore(_ store: any RequestStore) {
    var count = 0
    store.restore { record, payload in
      count += 1
      let items = EncodedRequest.itemCount(of: payload, signal: signal)
      return lock.withLock {
        schedule.restore(record, itemCount: items, byteCount: payload.count)
        lock.wakeAll()
        return !schedule.isClosed
      }
    }
    lock.withLock {
      schedule.endRestoring()
      lock.wakeAll()
    }
    if count > 0 {
      log.info("sending what an earlier run has left", ["exporter": id, "requests": String(count)])
    }
  }
}
