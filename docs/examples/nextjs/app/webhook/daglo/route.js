import { read, refuse, signed, take } from '../../../lib/orders';

export async function POST(request) {
  const secret = process.env.DAGLO_WEBHOOK_SECRET;
  if (secret && !signed(request.headers.get('authorization') ?? '', secret)) return refuse(401, 'no valid JWT');
  const body = await read(request);
  const { rid, status, sttResults } = body ?? {};
  if (typeof rid !== 'string' || rid === '') return refuse(400, 'rid is missing');
  return take(request, rid, body, () => ({ status, transcripts: (sttResults ?? []).map((r) => r.transcript) }));
}
