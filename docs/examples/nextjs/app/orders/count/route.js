import { count } from '../../../lib/orders';

export const dynamic = 'force-dynamic';

export const GET = () => new Response(`${count()}\n`);
