// The screen of one product: what its three parts ask, what is taken from their answers, and what the client gets.
import { CallFailed } from './backend.mjs';

// Each part's backend, what it asks for behind the backend's path, and how long it may take.
export const PRODUCT = {
  name: 'product',
  backend: 'catalog',
  rest: (id) => `/${id}`,
  milliseconds: 800,
  required: true,
  take(product) {
    if (typeof product?.name !== 'string') {
      throw new CallFailed('decode');
    }
    return product;
  },
};

export const RATING = {
  name: 'rating',
  backend: 'reviews',
  rest: (id) => `/summary?ids=${id}`,
  milliseconds: 400,
  required: false,
  take: ({ items }) => (items[0]?.count > 0 ? items[0] : undefined),
};

export const AVAILABLE = {
  name: 'available',
  backend: 'inventory',
  rest: (id) => `?ids=${id}`,
  milliseconds: 400,
  required: false,
  take: ({ items }) => items[0]?.available,
};

const ID = /^[1-9]\d{0,14}$/;

export function isId(text) {
  return ID.test(text);
}

// Empties are left out, and so is what the serializer finds undefined.
export function content(product, rating, available) {
  const { id, name, description, price, currency, images } = product;
  return {
    id,
    name,
    description: description || undefined,
    price,
    currency,
    // In the width of a list's pictures, as nobody says another.
    images: images?.length > 0 ? images.map((image) => `${image}?w=160`) : undefined,
    rating,
    available,
  };
}

export const schema = {
  type: 'object',
  properties: {
    id: { type: 'integer' },
    name: { type: 'string' },
    description: { type: 'string' },
    price: { type: 'integer' },
    currency: { type: 'string' },
    images: { type: 'array', items: { type: 'string' } },
    rating: {
      type: 'object',
      properties: { count: { type: 'integer' }, average_hundredths: { type: 'integer' } },
    },
    available: { type: 'integer' },
  },
};
