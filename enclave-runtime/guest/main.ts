import { Port } from '../port/port.ts'
import { inheritedEpochFile, readRoot } from '../sealing/inherited-files.ts'
import { softwareBackend } from '../sealing/software-backend.ts'
import { EXIT_CODES, endOf, GuestEnd } from './exit-codes.ts'
import { bootKernels } from './kernels.ts'
import { lockDown } from './lockdown.ts'
import { Server, systemRandom } from './server.ts'

const { stdin, stdout, stderr } = process // opened before the doors close

/** Says why on descriptor 2, a code line, and ends. */
function exit({ code, line }: GuestEnd): never {
  if (code !== EXIT_CODES.asked) stderr.write(`${line}\n`)
  process.exit(code)
}

/** Boot in the order of 04 §1: kernel made and tested, doors closed, root secret read; the rest begins with hello. */
function boot(): void {
  const kernels = bootKernels(systemRandom)
  lockDown()
  const root = readRoot()
  const backend = softwareBackend(root, inheritedEpochFile(), systemRandom)
  const port = new Port(
    {
      write: (bytes) => stdout.write(bytes),
      pause: () => stdin.pause(),
      resume: () => stdin.resume(),
    },
    () => server.end(new GuestEnd(EXIT_CODES.portViolation, 'PORT_VIOLATION')),
  )
  const server = new Server({
    port,
    kernels,
    backend,
    hasEpochs: true,
    onEnd: (end) => {
      root.destroy()
      exit(end)
    },
  })
  const gone = () => server.end(new GuestEnd(EXIT_CODES.asked, 'HOST_GONE'))
  stdout.on('drain', () => port.drained())
  stdout.on('error', gone)
  stdin.on('data', (chunk: Uint8Array) => port.receive(chunk))
  stdin.on('end', gone) // without a host there is nothing to do
  stdin.on('error', gone)
  // A defect says only that it is one: nothing of it may leave.
  process.on('uncaughtException', () => server.end(new GuestEnd(1, 'DEFECT')))
  process.on('unhandledRejection', () => server.end(new GuestEnd(1, 'DEFECT')))
}

try {
  boot()
} catch (error) {
  exit(endOf(error) ?? new GuestEnd(1, 'DEFECT'))
}
