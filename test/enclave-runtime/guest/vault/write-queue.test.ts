import { deepEqual, equal, rejects } from 'node:assert/strict'
import type { VaultChanges } from '../../../../enclave-runtime/guest/vault/vault.ts'
import { WriteQueue } from '../../../../enclave-runtime/guest/vault/write-queue.ts'

const bulk = (name: string, byte = 0, length = 1): VaultChanges => ({
  bulk: new Map([[name, new Uint8Array(length).fill(byte)]]),
})
const critical = (name: string): VaultChanges => ({
  critical: new Map([[name, new Uint8Array(1)]]),
})
const namesOf = ({ bulk: records, critical: others, shares }: VaultChanges): string[] => [
  ...(records?.keys() ?? []),
  ...(others?.keys() ?? []),
  ...(shares?.keys() ?? []),
]

/** A disk whose syncs end when they are told to. */
class SlowDisk {
  readonly batches: VaultChanges[] = []
  readonly #syncing: PromiseWithResolvers<void>[] = []
  readonly queue = new WriteQueue(async (changes) => {
    this.batches.push(changes)
    const sync = Promise.withResolvers<void>()
    this.#syncing.push(sync)
    await sync.promise
  })

  async sync(error?: Error): Promise<void> {
    await turn()
    const next = this.#syncing.shift()
    if (error === undefined) next?.resolve()
    else next?.reject(error)
    await turn()
  }
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('WriteQueue', () => {
  it('puts what waits for a sync into one batch, and tells nobody before it is durable', async () => {
    const disk = new SlowDisk()
    const done: string[] = []
    const write = (name: string): void =>
      void disk.queue.write(bulk(name)).then(() => done.push(name))
    write('a')
    await turn()
    for (const name of ['b', 'c', 'd']) write(name)
    await disk.sync()
    deepEqual(done, ['a'])
    deepEqual(disk.batches.map(namesOf), [['a'], ['b', 'c', 'd']])
    await disk.sync()
    deepEqual(done, ['a', 'b', 'c', 'd'])
  })

  it('keeps the order: of two records of one name the later one stays', async () => {
    const disk = new SlowDisk()
    const writes = [bulk('x', 1), bulk('y', 2), bulk('x', 3)].map((each) => disk.queue.write(each))
    await disk.sync()
    await Promise.all(writes)
    equal(disk.batches.length, 1)
    equal(disk.batches[0]?.bulk?.get('x')?.[0], 3)
  })

  it('lets critical records and shares go alone, in their turn', async () => {
    const disk = new SlowDisk()
    const share: VaultChanges = { shares: new Map([['s', null]]) }
    const asked = [bulk('a'), critical('k'), bulk('b'), bulk('c'), share, bulk('d')]
    const writes = asked.map((each) => disk.queue.write(each))
    for (let i = 0; i < 5; i++) await disk.sync()
    await Promise.all(writes)
    deepEqual(disk.batches.map(namesOf), [['a'], ['k'], ['b', 'c'], ['s'], ['d']])
  })

  it('makes no batch larger than the store takes', async () => {
    const disk = new SlowDisk()
    const many = Array.from({ length: 300 }, (_, i) => disk.queue.write(bulk(`r${i}`)))
    const large = Array.from({ length: 3 }, (_, i) => disk.queue.write(bulk(`l${i}`, 0, 300_000)))
    for (let i = 0; i < 6; i++) await disk.sync()
    await Promise.all([...many, ...large])
    deepEqual(
      disk.batches.map((batch) => namesOf(batch).length),
      [128, 128, 44 + 1, 1, 1],
    )
  })

  it('tells everyone of a batch that failed, and goes on', async () => {
    const disk = new SlowDisk()
    const writes = ['a', 'b'].map((name) => disk.queue.write(bulk(name)))
    const refused = Promise.all(writes.map((write) => rejects(write, /no room/)))
    await disk.sync(new Error('no room'))
    await refused
    const later = disk.queue.write(bulk('c'))
    await disk.sync()
    await later
  })
})
