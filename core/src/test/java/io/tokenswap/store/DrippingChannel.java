package io.tokenswap.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;

/** A file that takes and gives three bytes at a time, and reports when it is forced to the disk. */
class DrippingChannel extends FileChannel {

    private final FileChannel channel;
    private final Runnable forced;

    DrippingChannel(FileChannel channel) {
        this(channel, () -> {});
    }

    DrippingChannel(FileChannel channel, Runnable forced) {
        this.channel = channel;
        this.forced = forced;
    }

    private static ByteBuffer few(ByteBuffer buffer) {
        return buffer.slice(buffer.position(), Math.min(3, buffer.remaining()));
    }

    private static int moved(ByteBuffer buffer, int bytes) {
        buffer.position(buffer.position() + Math.max(bytes, 0));
        return bytes;
    }

    @Override
    public int write(ByteBuffer source) throws IOException {
        return moved(source, channel.write(few(source)));
    }

    @Override
    public int write(ByteBuffer source, long position) throws IOException {
        return moved(source, channel.write(few(source), position));
    }

    @Override
    public int read(ByteBuffer target, long position) throws IOException {
        return moved(target, channel.read(few(target), position));
    }

    @Override
    public int read(ByteBuffer target) throws IOException {
        return moved(target, channel.read(few(target)));
    }

    @Override
    public long size() throws IOException {
        return channel.size();
    }

    @Override
    public FileLock tryLock(long position, long size, boolean shared) throws IOException {
        return channel.tryLock(position, size, shared);
    }

    @Override
    public void force(boolean metaData) throws IOException {
        channel.force(metaData);
        if (metaData) {
            forced.run();
        }
    }

    @Override
    protected void implCloseChannel() throws IOException {
        channel.close();
    }

    @Override
    public long read(ByteBuffer[] targets, int offset, int length) {
        throw new UnsupportedOperationException();
    }

    @Override
    public long write(ByteBuffer[] sources, int offset, int length) {
        throw new UnsupportedOperationException();
    }

    @Override
    public long position() {
        throw new UnsupportedOperationException();
    }

    @Override
    public FileChannel position(long position) {
        throw new UnsupportedOperationException();
    }

    @Override
    public FileChannel truncate(long size) {
        throw new UnsupportedOperationException();
    }

    @Override
    public long transferTo(long position, long count, WritableByteChannel target) {
        throw new UnsupportedOperationException();
    }

    @Override
    public long transferFrom(ReadableByteChannel source, long position, long count) {
        throw new UnsupportedOperationException();
    }

    @Override
    public MappedByteBuffer map(MapMode mode, long position, long size) {
        throw new UnsupportedOperationException();
    }

    @Override
    public FileLock lock(long position, long size, boolean shared) {
        throw new UnsupportedOperationException();
    }
}
