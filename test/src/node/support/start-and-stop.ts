/** Run as a process: it must end by itself once its networks have stopped. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { polling, testMembers, testNetwork, until } from './test-network.ts'

const folder = await mkdtemp(join(tmpdir(), 'holdfast-stop-'))
const members = await testMembers(2, 'start and stop')
const [one, two] = members
if (one === undefined || two === undefined) throw new Error('bug: two members are needed')
const first = await testNetwork(one, members, { config: { datastore: join(folder, 'libp2p') } })
await first.start()
const second = await testNetwork(two, members, { bootstrap: first.multiaddrs().slice(0, 1) })
await second.start()
await until(() => first.status().up === 1 && second.status().up === 1, polling)
await Promise.all([first.stop(), second.stop()])
await rm(folder, { recursive: true })
process.stdout.write('stopped\n')
