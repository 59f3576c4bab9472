import { startRdpShadow } from '@enchilada/core/testing/servers/rdp-shadow';
import { RdpViewer } from '@enchilada/core/testing/viewers/rdp-viewer';
import { startSite, Workplace } from '../bench-site.ts';
import type { Experiment } from '../figure.ts';
import { percentile, rounded, roundsOf } from '../measure.ts';

const ID = 'rdp-first-picture-ms';
const WARM_UP = 5;
const OPENINGS = roundsOf(40);

export const rdpFirstPicture: Experiment = {
  figures: [ID],
  async run(_wanted, say) {
    await using owned = new AsyncDisposableStack();
    const place = owned.use(await Workplace.make());
    const server = owned.use(await startRdpShadow());
    const site = owned.use(await startSite(place));
    const { host, port, username, password } = server;
    const { id: credentialId } = await site.admin.api.createCredential({
      body: { name: 'desktop', kind: 'password', username, secret: password },
    });
    const targetId = await site.machine({ protocol: 'rdp', host, port, credentialId, parameters: { security: 'nla' } });
    const samples: number[] = [];
    for (let count = -WARM_UP; count < OPENINGS; count += 1) {
      const since = performance.now();
      const shell = await site.admin.open(targetId);
      await shell.live();
      const viewer = new RdpViewer({ send: (bytes) => shell.data.send(bytes) });
      shell.onBytes = (bytes) => viewer.push(bytes);
      viewer.greet();
      await shell.until(() => viewer.isActive && viewer.updates > 0, 'a picture');
      if (count >= 0) samples.push(performance.now() - since);
      await shell[Symbol.asyncDispose]();
    }
    say(`${rounded(samples, 0).join(', ')} ms`);
    return [
      {
        id: ID,
        value: percentile(samples, 0.95),
        how: `POST /sessions, both sockets, network level authentication and activation, to the first PDU that draws, of FreeRDP 2's server over loopback; TLS, strict recording; 95th percentile of ${OPENINGS}`,
        samples: { ours: rounded(samples, 1) },
      },
    ];
  },
};
