import com.example.policies.EagerLineFlusher;
import com.example.policies.GlobalFlush;
import com.example.policies.StackAllocator;
import org.iommu4j.flush.CacheFlusherProvider;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.walker.TableAllocatorProvider;
import org.jspecify.annotations.NullMarked;

/** A policy of each kind. They are found by their names; nobody needs to see the classes. */
@NullMarked
module com.example.policies {
    requires org.iommu4j.flush;
    requires org.iommu4j.walker;
    requires static org.jspecify;

    provides CacheFlusherProvider with
            EagerLineFlusher;
    provides FlushPolicyProvider with
            GlobalFlush;
    provides TableAllocatorProvider with
            StackAllocator;
}
